//! Scripts that judge an expression; this crate does not run them.

use std::collections::{BTreeMap, BTreeSet};

use prepl_core::Reason;

use crate::mode::Mode;

/// Runs the scripts of expression rules, within a time of its own.
pub trait Expressions {
    /// Whether a script denies what it sees. One that fails, or takes too long, gives a sentence,
    /// and that denies too; the sentence repeats nothing of the expression.
    fn denies(&self, script: &str, seen: &Seen<'_>) -> Result<bool, Reason>;
}

/// What a script sees.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The text of the expression.
    pub expression: &'a str,
    /// What is asked for.
    pub mode: Mode,
    /// Who asks.
    pub user: &'a str,
    /// Of each label, all its values among the replicas that the policy selects.
    pub labels: &'a BTreeMap<&'a str, BTreeSet<&'a str>>,
}
