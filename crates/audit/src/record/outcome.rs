//! What became of it.

use prepl_core::{Class, Digest, RunId};
use serde::{Deserialize, Serialize};

use super::Record;
use super::sealed::Kind;
use crate::canonical::MAX_INTEGER;
use crate::text::{class, hex_list, shown};

/// Digests of values that are kept of one replica; it may have answered with more.
pub const MAX_DIGESTS: usize = 8;

/// How a run ended on some or all of its replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// The run.
    #[serde(with = "shown")]
    pub run: RunId,
    /// Replica by replica.
    pub replicas: Vec<ReplicaOutcome>,
}

/// How it ended on one replica: what is known of the answer, never the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaOutcome {
    uid: String,
    #[serde(with = "class")]
    class: Class,
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
        ReplicaOutcome { uid, class, eval_ms, output_bytes, values: Vec::new(), value_count: 0 }
    }

    /// With the digests of its values: the first eight, and how many there were.
    #[must_use]
    pub fn with_values(mut self, values: impl IntoIterator<Item = Digest>) -> ReplicaOutcome {
        for value in values {
            self.value_count += 1;
            if self.values.len() < MAX_DIGESTS {
                self.values.push(value);
            }
        }
        self
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

    /// Time in the runtime, in milliseconds.
    #[must_use]
    pub fn eval_ms(&self) -> u64 {
        self.eval_ms
    }
}

impl Kind for Outcomes {
    const KIND: &'static str = "outcome";
}
impl Record for Outcomes {}
