//! What to do: which evaluation, how wide, how patient.

use std::num::NonZeroUsize;
use std::sync::Arc;

use prepl_core::{
    Evaluation, Expression, Limits, Origin, Patience, Replica, RequestId, RunId, SessionName,
};

/// One expression over one selection.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the run.
    pub run: RunId,
    /// Name of the request; the same for every replica of the run.
    pub request: RequestId,
    /// Ask for the answers of an earlier run of that request, and run nothing.
    pub recall: bool,
    /// Run it only where something keeps it from writing.
    pub read_only: bool,
    /// Its evaluations may read input that is given to the run.
    pub interactive: bool,
    /// What to evaluate.
    pub expression: Expression,
    /// Where its text stands.
    pub origin: Origin,
    /// Kept state to evaluate in.
    pub session: Option<SessionName>,
    /// Namespace to evaluate in.
    pub namespace: Option<Arc<str>>,
    /// Bounds on each replica.
    pub limits: Limits,
    /// How long to wait.
    pub patience: Patience,
    /// Most replicas at work at the same time.
    pub width: NonZeroUsize,
    /// Connect to all first, then start all at one moment; the width bounds the connecting only.
    pub barrier: bool,
}

/// Replicas at work at the same time unless said otherwise: clush's window, and what brings the
/// first answer of a cold fleet of 1,000 within 3 % of the whole time.
pub const DEFAULT_WIDTH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

impl Plan {
    /// The evaluation for one replica.
    pub(crate) fn evaluation(&self, replica: &Replica) -> Evaluation {
        Evaluation {
            request: self.request,
            run: self.run,
            replica_uid: Arc::clone(&replica.id.uid),
            expression: self.expression.clone(),
            origin: self.origin.clone(),
            session: self.session.clone(),
            namespace: self.namespace.clone(),
            limits: self.limits,
            recall: self.recall,
            read_only: self.read_only,
            interactive: self.interactive,
        }
    }
}
