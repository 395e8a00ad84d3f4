//! What a gateway counts, in the text format of Prometheus.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use prepl_audit::Written;
use prepl_runtime::admin::Vitals;

use super::access::Refused;
use crate::counter::{self, Counter};

/// The gateway's counters, and whether it is ready.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Runs that were started.
    pub runs: Counter,
    /// Runs by break-glass among them.
    pub break_glass_runs: Counter,
    /// Tunnels that were opened.
    pub tunnels: Counter,
    /// Calls that were denied.
    pub denied: Counter,
    /// Calls that the API server gave no answer for.
    pub unanswered: Counter,
    /// Calls that the audit log did not take.
    pub unrecorded: Counter,
    /// What the audit log has written.
    pub written: OnceLock<Arc<Written>>,
    ready: AtomicBool,
}

impl Metrics {
    /// Counts a refusal.
    pub fn refused(&self, refused: &Refused) {
        match refused {
            Refused::Denied(_) => self.denied.add(),
            Refused::NoAnswer => self.unanswered.add(),
            Refused::NotRecorded(_) => self.unrecorded.add(),
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
        let told = counter::text(&[
            ("prepl_runs_total", &self.runs),
            ("prepl_break_glass_runs_total", &self.break_glass_runs),
            ("prepl_tunnels_total", &self.tunnels),
            ("prepl_calls_denied_total", &self.denied),
            ("prepl_calls_unanswered_total", &self.unanswered),
            ("prepl_calls_unrecorded_total", &self.unrecorded),
        ]);
        let Some(written) = self.written.get() else { return told };
        let records = counter::line("prepl_audit_records_total", written.records());
        let syncs = counter::line("prepl_audit_syncs_total", written.syncs());
        [told, records, syncs].concat()
    }
}
