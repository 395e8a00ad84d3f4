//! What may be asked of the replicas that a policy selects: of one namespace, or of all.

#![allow(clippy::duplicated_attributes, reason = "each printed column has its own type")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Mode;

/// A policy for the replicas of its own namespace.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "prepl.dev",
    version = "v1alpha1",
    kind = "ReplPolicy",
    namespaced,
    plural = "replpolicies",
    shortname = "rpol",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.ceilings.mode"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.ceilings.replicas"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    derive = "PartialEq"
)]
#[serde(transparent)]
pub struct ReplPolicySpec {
    /// What it demands.
    pub policy: PolicySpec,
}

/// A policy for the replicas of all namespaces.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "prepl.dev",
    version = "v1alpha1",
    kind = "ClusterReplPolicy",
    plural = "clusterreplpolicies",
    shortname = "crpol",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.ceilings.mode"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.ceilings.replicas"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    derive = "PartialEq"
)]
#[serde(transparent)]
pub struct ClusterReplPolicySpec {
    /// What it demands.
    pub policy: PolicySpec,
}

/// Ceilings and demands; what is left out demands nothing. Every policy that selects a replica of a
/// run must pass.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// Labels of the pods that it is about; empty for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The most that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceilings: Option<Ceilings>,
    /// Whether, and how, a reason is to be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Demand>,
    /// Whether, and which, ticket is to be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Demand>,
    /// Other people's approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// What a record of a run leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub redaction: Vec<Redaction>,
    /// What an expression must not be: a guard rail against mistakes, not a wall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expressions: Option<Expressions>,
    /// Whether approvals may be skipped in an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
}

/// The most that is allowed; what is left out is not limited.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ceilings {
    /// The most that may be asked for. A policy about evaluations allows no tunnels unless this is
    /// Attach, as nothing of it holds there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Replicas of one run; more are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub replicas: Option<u32>,
    /// Seconds of one evaluation; more are lowered to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub eval_seconds: Option<u32>,
    /// Bytes of one value; more are lowered to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16777216))]
    pub value_bytes: Option<u32>,
    /// Bytes of the output on one replica; more are lowered to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16777216))]
    pub output_bytes: Option<u32>,
    /// Runs of one user within a minute, counted by each gateway; more are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 600))]
    pub runs_per_minute: Option<u32>,
    /// Whether only read-only evaluations are allowed; all others, and tunnels, are denied.
    #[serde(default)]
    pub read_only: bool,
}

/// What is demanded of a text that the user gives.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Regular expression that it must match when it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub pattern: Option<String>,
}

/// Approvals of other people.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.modes) || !('Inspect' in self.modes)").message("looking needs no approval; write Eval, Attach or both"))]
pub struct Approvals {
    /// How many.
    #[serde(default)]
    #[schemars(range(min = 0, max = 8))]
    pub count: u32,
    /// For what; Eval and Attach unless said otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub modes: Vec<Mode>,
    /// How long one lasts, in seconds; an hour unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub expires_seconds: Option<u32>,
    /// Whether those of service accounts count.
    #[serde(default)]
    pub from_service_accounts: bool,
}

/// What is replaced by what.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Redaction {
    /// Regular expression.
    #[schemars(length(min = 1, max = 512))]
    pub pattern: String,
    /// What stands in the place of each match.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub replace: String,
}

/// Rules about expressions.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Expressions {
    /// Each denies by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub deny: Vec<Deny>,
}

/// A rule that denies an expression.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.regex) != has(self.rhai)").message("a rule has either regex or rhai; write one of them"))]
pub struct Deny {
    /// Regular expression; denies what it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub regex: Option<String>,
    /// Rhai script that gives true to deny; it sees expression, mode, user and labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub rhai: Option<String>,
    /// What the user is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub message: Option<String>,
}

/// Break-glass: approvals skipped now, and looked at afterwards.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!self.allowed || has(self.maxSeconds)").message("say maxSeconds too: how long it may last"))]
pub struct BreakGlass {
    /// Whether there is such a way.
    #[serde(default)]
    pub allowed: bool,
    /// How long such an access may last, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub max_seconds: Option<u32>,
    /// How many earlier ones of the user may wait for their review; 1 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_unreviewed: Option<u32>,
}
