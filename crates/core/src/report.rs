//! The merged stream of one run: what a gateway tells whoever asked.

use std::sync::Arc;
use std::time::Duration;

use crate::outcome::{Class, Counts};
use crate::{Digest, Done, Event, Raised, ReplicaIndex, Stream, Value};

/// One message of a run. Exactly one `Event::Done` per replica, then one `Finished`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The text behind a digest; told once, before its first use.
    Text(Digest, Arc<str>),
    /// Something happened on one replica.
    Replica {
        /// Which replica of the selection.
        replica: ReplicaIndex,
        /// Number of this event of this replica, from 0.
        sequence: u64,
        /// What happened.
        event: Event<Digest>,
    },
    /// Every replica has its outcome; nothing follows.
    Finished(Summary),
}

/// A run as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Outcomes by class; they add up to the selection.
    pub counts: Counts,
    /// Time between the first and the last start on a replica; `None` when fewer than two started.
    pub skew: Option<Duration>,
    /// Time of the whole run.
    pub elapsed: Duration,
    /// Why the run ended before its time, if it did.
    pub stopped: Option<Stopped>,
}

/// Why a run ended before every replica had answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The user interrupted it.
    Interrupted,
    /// The deadline of the whole run passed.
    Deadline,
    /// The user's right to it was taken away meanwhile.
    Revoked,
}

/// All that one replica said, gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which replica of the selection.
    pub replica: ReplicaIndex,
    /// Values, one per form.
    pub values: Vec<Value>,
    /// Exceptions, in the order in which they came.
    pub raised: Vec<Raised>,
    /// Printed output in order: stream and bytes.
    pub output: Vec<(Stream, bytes::Bytes)>,
    /// Sentences for a person.
    pub notices: Vec<Arc<str>>,
    /// How it ended.
    pub done: Done,
}

impl Answer {
    /// Class of its outcome.
    pub fn class(&self) -> Class {
        self.done.outcome.class()
    }
}
