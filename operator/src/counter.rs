//! Counters, in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Named counters as lines of text.
#[must_use]
pub fn text(all: &[(&str, &Counter)]) -> String {
    let mut text = String::new();
    for (name, counter) in all {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "# TYPE {name} counter\n{name} {}", counter.value());
    }
    text
}

/// A named yes or no as lines of text: 1 or 0.
#[must_use]
pub fn gauge(name: &str, value: bool) -> String {
    format!("# TYPE {name} gauge\n{name} {}\n", u8::from(value))
}
