//! A policy as somebody wrote it: nothing is checked yet.

use serde::Deserialize;

use crate::mode::Mode;

/// What a policy says; what is left out demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    /// Labels of the replicas that it is about, as kubectl writes them; empty for all.
    pub selector: String,
    /// The most that is allowed.
    pub ceilings: Ceilings,
    /// Whether, and how, a reason is to be given.
    pub reason: Demand,
    /// Whether, and which, ticket is to be named.
    pub ticket: Demand,
    /// Other people's approvals.
    pub approvals: Approvals,
    /// What a record of a run leaves out.
    pub redaction: Vec<Redaction>,
    /// What an expression must not be.
    pub expressions: Expressions,
    /// Whether approvals may be skipped in an emergency.
    pub break_glass: BreakGlass,
}

/// The most that is allowed; what is left out is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    /// The most that may be asked for.
    pub mode: Option<Mode>,
    /// Replicas of one run.
    pub replicas: Option<u32>,
    /// Time of one evaluation.
    pub eval_seconds: Option<u32>,
    /// Bytes of one value.
    pub value_bytes: Option<u32>,
    /// Bytes of the output on one replica.
    pub output_bytes: Option<u32>,
    /// Runs of one user within a minute.
    pub runs_per_minute: Option<u32>,
    /// Whether only read-only evaluations are allowed.
    pub read_only: bool,
}

/// What is demanded of a text that the user gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Demand {
    /// Whether it must be given.
    pub required: bool,
    /// What it must match when it is given.
    pub pattern: Option<String>,
}

/// Approvals of other people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// How many.
    pub count: u32,
    /// For which modes; none means eval and attach.
    pub modes: Vec<Mode>,
    /// How long one lasts; an hour unless said otherwise.
    pub expires_seconds: Option<u32>,
    /// Whether those of service accounts count.
    pub from_service_accounts: bool,
}

/// What is replaced by what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redaction {
    /// A regular expression.
    pub pattern: String,
    /// What stands in the place of each match.
    pub replace: String,
}

/// Rules about expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expressions {
    /// Each denies by itself.
    pub deny: Vec<Deny>,
}

/// A rule that denies an expression: one of `regex` and `rhai`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deny {
    /// Denies what it matches.
    pub regex: Option<String>,
    /// A script that gives `true` to deny.
    pub rhai: Option<String>,
    /// What the user is told.
    pub message: Option<String>,
}

/// Break-glass: approvals skipped now, and looked at afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakGlass {
    /// Whether there is such a way.
    pub allowed: bool,
    /// How long such an access may last.
    pub max_seconds: Option<u32>,
    /// How many earlier ones of the user may wait for their review; 1 unless said otherwise.
    pub max_unreviewed: Option<u32>,
}

/// What of a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadPolicy {
    /// Where: `ceilings.replicas`, `expressions.deny.2.regex` with numbers from 0.
    pub field: String,
    /// What is wrong there and what to do.
    pub problem: String,
}
