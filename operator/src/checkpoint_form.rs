//! A signed checkpoint as an `AuditCheckpoint` holds it: both have one form in JSON, the line that
//! `prepl audit` verifies.

use prepl_audit::SignedCheckpoint;
use prepl_crd::audit_checkpoint::SignedHead;

/// As the audit log knows it; `None` when it is none.
#[must_use]
pub fn read(stored: &SignedHead) -> Option<SignedCheckpoint> {
    serde_json::to_value(stored).and_then(serde_json::from_value).ok()
}

/// As the object holds it.
pub fn written(signed: &SignedCheckpoint) -> Result<SignedHead, serde_json::Error> {
    serde_json::to_value(signed).and_then(serde_json::from_value)
}
