//! What the outside implements: how replicas are found, reached and asked.

use std::future::Future;

use crate::{
    Description, Evaluation, Event, Input, Outcome, Reason, Replica, RequestId, SessionName,
};

/// Finds the replicas of a fleet.
pub trait Discover: Send + Sync {
    /// Why the fleet cannot be read; a sentence for a person.
    type Error: std::error::Error + Send + Sync + 'static;

    /// All replicas that can be named now, in a stable order.
    fn replicas(&self) -> impl Future<Output = Result<Vec<Replica>, Self::Error>> + Send;
}

/// Reaches replicas.
pub trait Connect: Send + Sync + 'static {
    /// A connection to one replica.
    type Line: Line;

    /// Gives a usable connection, new or kept; an error is why there is none.
    ///
    /// The error is `Unreachable` or `Refused`: nothing was sent.
    fn connect(
        &self,
        replica: &Replica,
    ) -> impl Future<Output = Result<Self::Line, Outcome>> + Send;
}

/// A connection to one replica.
pub trait Line: Send + Sync + 'static {
    /// The events of one evaluation.
    type Events: Events;

    /// Sends an evaluation. An error is its outcome: a refusal, or unknown once it was sent.
    fn evaluate(
        &self,
        evaluation: Evaluation,
    ) -> impl Future<Output = Result<Self::Events, Outcome>> + Send;

    /// Asks for an interrupt; the answer comes as the evaluation's own end.
    fn interrupt(&self, request: RequestId) -> impl Future<Output = ()> + Send;

    /// Gives a piece of input to the evaluation of a request on this replica; completes when there
    /// is room for it, or when the evaluation has ended. An error is why it cannot have it.
    fn input(
        &self,
        request: RequestId,
        replica_uid: &str,
        input: &Input,
    ) -> impl Future<Output = Result<(), Reason>> + Send;

    /// Ends the session that is kept there under a name; tells whether there was one, as far as
    /// that can be told.
    fn end_session(&self, name: &SessionName) -> impl Future<Output = bool> + Send;

    /// Asks what the runtime is.
    fn describe(&self) -> impl Future<Output = Result<Description, Outcome>> + Send;
}

/// The events of one evaluation; ends after `Event::Done`.
pub trait Events: Send {
    /// The next events, at least one: those that came together stay together.
    ///
    /// An error is the outcome of a stream that broke: unknown, or a refusal that the sidecar gave
    /// before it started anything.
    fn next(&mut self) -> impl Future<Output = Option<Result<Vec<Event>, Outcome>>> + Send;
}
