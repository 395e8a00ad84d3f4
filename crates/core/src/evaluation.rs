//! What goes down to one replica.

use std::sync::Arc;

use crate::{Expression, Limits, Origin, RequestId, RunId, SessionName};

/// One expression for one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Name of the request; the same one again gives the first answer and runs nothing.
    pub request: RequestId,
    /// The run it belongs to.
    pub run: RunId,
    /// UID of the replica it is meant for.
    pub replica_uid: Arc<str>,
    /// What to evaluate.
    pub expression: Expression,
    /// Where its text stands.
    pub origin: Origin,
    /// Kept state to evaluate in; without one the state is thrown away afterwards.
    pub session: Option<SessionName>,
    /// Namespace or module to evaluate in; without one, the session's.
    pub namespace: Option<Arc<str>>,
    /// Bounds.
    pub limits: Limits,
    /// Give the first answer of the request; where it is not known, run nothing either.
    pub recall: bool,
    /// It may read input that comes while it runs; else it reads the end of it.
    pub interactive: bool,
    /// Run it only where something keeps it from writing; refuse it elsewhere.
    pub read_only: bool,
}
