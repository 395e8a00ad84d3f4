//! What a gateway counts, in the text format of Prometheus.

use std::sync::atomic::{AtomicBool, Ordering};

use prepl_runtime::admin::Vitals;

use super::access::Refused;
use crate::counter::{self, Counter};

/// The gateway's counters, and whether it is ready.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Runs that were started.
    pub runs: Counter,
    /// Tunnels that were opened.
    pub tunnels: Counter,
    /// Calls that were denied.
    pub denied: Counter,
    /// Calls that the API server gave no answer for.
    pub unanswered: Counter,
    ready: AtomicBool,
}

impl Metrics {
    /// Counts a refusal.
    pub fn refused(&self, refused: &Refused) {
        match refused {
            Refused::Denied(_) => self.denied.add(),
            Refused::NoAnswer => self.unanswered.add(),
        }
    }

    /// Whether all parts are up and new callers are welcome.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

impl Vitals for Metrics {
    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    fn metrics(&self) -> String {
        counter::text(&[
            ("prepl_runs_total", &self.runs),
            ("prepl_tunnels_total", &self.tunnels),
            ("prepl_calls_denied_total", &self.denied),
            ("prepl_calls_unanswered_total", &self.unanswered),
        ])
    }
}
