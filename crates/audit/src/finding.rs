//! What is wrong with a log, and where.

use std::fmt;

/// The first fault of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the file that it is in.
    pub file: String,
    /// Number of the line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What can be wrong with a line, or with what follows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// No record of a version known here, longer than any record, or cut in the middle of a log.
    #[error("it is no audit record")]
    Unparsable,
    /// Its bytes are not those that were hashed.
    #[error("it was edited: its hash is of other bytes")]
    Edited,
    /// A signed checkpoint has another hash for it.
    #[error("it, or one before it, was rewritten: a checkpoint has another hash for it")]
    Rewritten,
    /// Records before it are not there.
    #[error("records {first} to {last} are missing before it")]
    Missing {
        /// The first that is missing.
        first: u64,
        /// The last that is missing.
        last: u64,
    },
    /// It comes too early or too late.
    #[error("it is not in its place: records were reordered or repeated")]
    Reordered,
    /// It does not continue what stands before it.
    #[error("it does not belong here: it is of another chain, file or history")]
    Spliced,
    /// A signed checkpoint is about a record after the end.
    #[error("the log ends before it: a checkpoint knows record {seq}")]
    CutTail {
        /// The record that the checkpoint is about.
        seq: u64,
    },
    /// A checkpoint that the key did not sign.
    #[error("the signature of this checkpoint is not of the key that was given")]
    BadSignature,
    /// A checkpoint that cannot be read or is not in order.
    #[error("it is no checkpoint, or stands before one of an earlier record")]
    BadCheckpoint,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.file, self.line, self.kind)
    }
}
