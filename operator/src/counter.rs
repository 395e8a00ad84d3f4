//! Counters, in the text format of Prometheus.

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
    all.iter().map(|(name, counter)| line(name, counter.value())).collect()
}

/// A counter that somebody else keeps, as a line of text.
#[must_use]
pub fn line(name: &str, value: u64) -> String {
    format!("# TYPE {name} counter\n{name} {value}\n")
}

/// A named yes or no as lines of text: 1 or 0.
#[must_use]
pub fn gauge(name: &str, value: bool) -> String {
    format!("# TYPE {name} gauge\n{name} {}\n", u8::from(value))
}
