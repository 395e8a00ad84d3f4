//! What became of it.

use prepl_core::{Class, Digest, Reason, RunId};
use serde::{Deserialize, Serialize};

use super::Record;
use super::event::Sentence;
use super::sealed::Kind;
use crate::canonical::MAX_INTEGER;
use crate::text::{class, hex_list, shown};

/// Digests of values that are kept of one replica; it may have answered with more.
pub const MAX_DIGESTS: usize = 8;
/// Longest reason of one replica: 10,000 of them, each with eight digests, have 10 MiB.
const MAX_REASON_BYTES: usize = 200;

/// How a run ended on some or all of its replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// The run.
    #[serde(with = "shown")]
    pub run: RunId,
    /// Number of the intent's record, in the same chain: whoever asks chooses the name of a run.
    pub intent: u64,
    /// Replica by replica.
    pub replicas: Vec<ReplicaOutcome>,
}

/// How it ended on one replica: what is known of the answer, never the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaOutcome {
    uid: String,
    #[serde(with = "class")]
    class: Class,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Sentence>,
    eval_ms: u64,
    output_bytes: u64,
    #[serde(with = "hex_list")]
    values: Vec<Digest>,
    value_count: u64,
}

impl ReplicaOutcome {
    /// The outcome on the replica of this UID: class, time in the runtime, and bytes printed.
    #[must_use]
    pub fn new(uid: &str, class: Class, eval_ms: u64, output_bytes: u64) -> ReplicaOutcome {
        let uid = uid.to_owned();
        // A peer may tell any number; a record holds those that every reader of JSON can.
        let (eval_ms, output_bytes) = (eval_ms.min(MAX_INTEGER), output_bytes.min(MAX_INTEGER));
        let (reason, values) = (None, Vec::new());
        ReplicaOutcome { uid, class, reason, eval_ms, output_bytes, values, value_count: 0 }
    }

    /// With the sentence that tells why there is no answer, or as much of it as has its place.
    #[must_use]
    pub fn because(self, reason: &Reason) -> ReplicaOutcome {
        let words = reason.as_str();
        let short = &words[..words.floor_char_boundary(MAX_REASON_BYTES)];
        ReplicaOutcome { reason: Some((&Reason::new(short)).into()), ..self }
    }

    /// With the digests of its first values, and how many values there were.
    #[must_use]
    pub fn with_values(self, first: impl IntoIterator<Item = Digest>, count: u64) -> Self {
        let values = first.into_iter().take(MAX_DIGESTS).collect();
        ReplicaOutcome { values, value_count: count.min(MAX_INTEGER), ..self }
    }

    /// UID of the replica.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// One of the six classes.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// Why there is no answer, where there is none.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_ref().map(Sentence::as_str)
    }

    /// Time in the runtime, in milliseconds.
    #[must_use]
    pub fn eval_ms(&self) -> u64 {
        self.eval_ms
    }

    /// Bytes that it printed.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    /// Digests of its first values, at most [`MAX_DIGESTS`].
    #[must_use]
    pub fn values(&self) -> &[Digest] {
        &self.values
    }

    /// How many values it answered with.
    #[must_use]
    pub fn value_count(&self) -> u64 {
        self.value_count
    }
}

impl Kind for Outcomes {
    const KIND: &'static str = "outcome";
}
impl Record for Outcomes {}
