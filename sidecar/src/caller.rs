//! Whoever asks this sidecar: a user, by himself or through a gateway.

use std::sync::Arc;
use std::time::SystemTime;

use crate::portion::Portion;

/// Whose a request is; clones are the same caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name under which his requests and sessions are kept.
    pub name: Arc<str>,
    /// What he may take.
    pub portion: Arc<Portion>,
    /// When the time of the certificate is over that speaks for him.
    pub until: SystemTime,
}
