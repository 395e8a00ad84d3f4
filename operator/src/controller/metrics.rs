//! What the controller counts, in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prepl_runtime::admin::Vitals;

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

/// The controller's counters, and whether it is ready.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Pods that were given a sidecar.
    pub injected: Counter,
    /// Pods that asked for a sidecar and got none.
    pub skipped: Counter,
    /// Certificates for pods.
    pub enrolled: Counter,
    /// Pods that were refused a certificate.
    pub enrolment_refused: Counter,
    /// Access requests that were granted.
    pub granted: Counter,
    /// Times the admission policies were found not to hold.
    pub canary_failed: Counter,
    ready: AtomicBool,
}

impl Metrics {
    /// All parts are up.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }
}

impl Vitals for Metrics {
    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    fn metrics(&self) -> String {
        let all = [
            ("prepl_injected_total", &self.injected),
            ("prepl_injection_skipped_total", &self.skipped),
            ("prepl_enrolled_total", &self.enrolled),
            ("prepl_enrolment_refused_total", &self.enrolment_refused),
            ("prepl_access_granted_total", &self.granted),
            ("prepl_canary_failed_total", &self.canary_failed),
        ];
        let mut text = String::new();
        for (name, counter) in all {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "# TYPE {name} counter\n{name} {}", counter.value());
        }
        text
    }
}
