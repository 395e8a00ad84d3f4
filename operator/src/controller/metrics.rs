//! What the controller counts, in the text format of Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prepl_runtime::admin::Vitals;

use super::breaker::Breaker;
use crate::counter::{self, Counter};

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
    /// Times the admission policy was found not to hold.
    pub canary_failed: Counter,
    /// Times this controller began to lead.
    pub leads: Counter,
    /// Checkpoints of audit logs that were signed.
    pub checkpoints: Counter,
    /// Audit logs that were found to contradict their checkpoints.
    pub regressed: Counter,
    /// Whether injection is stopped.
    pub breaker: Arc<Breaker>,
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
        let mut text = counter::text(&[
            ("prepl_injected_total", &self.injected),
            ("prepl_injection_skipped_total", &self.skipped),
            ("prepl_enrolled_total", &self.enrolled),
            ("prepl_enrolment_refused_total", &self.enrolment_refused),
            ("prepl_access_granted_total", &self.granted),
            ("prepl_canary_failed_total", &self.canary_failed),
            ("prepl_leads_total", &self.leads),
            ("prepl_audit_checkpoints_total", &self.checkpoints),
            ("prepl_audit_regressed_total", &self.regressed),
        ]);
        text += &counter::gauge("prepl_injection_breaker_open", self.breaker.is_open());
        text
    }
}
