//! What the evaluations of a run are about to read.

use prepl_core::RunId;
use serde::{Deserialize, Serialize};

use super::Record;
use super::sealed::Kind;
use super::who::Who;
use crate::redact::Asked;
use crate::text::shown;

/// A piece of input is about to go to every replica of a run that has not ended.
///
/// It can be code, for a program that evaluates what it reads; so it is recorded as an expression is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputGiven {
    /// The run.
    #[serde(with = "shown")]
    pub run: RunId,
    /// Number of the intent's record, in the same chain; it tells the replicas.
    pub intent: u64,
    /// Its place among the pieces of the run, from 0.
    pub place: u64,
    /// Who gives it.
    pub who: Who,
    /// How many replicas the run has.
    pub replicas: u64,
    /// The bytes.
    pub code: Asked,
    /// None follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

impl Kind for InputGiven {
    const KIND: &'static str = "input_given";
}
impl Record for InputGiven {}
