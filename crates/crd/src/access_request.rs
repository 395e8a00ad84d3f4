//! A user's time-limited right to reach the replicas of one namespace.

#![allow(clippy::duplicated_attributes, reason = "each printed column has its own type")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::AskedRun;

/// What a user asks for; nothing of it changes afterwards.
///
/// The API server vouches for `user`: an admission policy refuses an access request whose user is
/// not the one who creates it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "prepl.dev",
    version = "v1alpha1",
    kind = "AccessRequest",
    namespaced,
    status = "AccessRequestStatus",
    shortname = "areq",
    printcolumn(name = "User", type_ = "string", json_path = ".spec.user.username"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Until", type_ = "string", json_path = ".status.notAfter"),
    printcolumn(name = "BreakGlass", type_ = "boolean", json_path = ".spec.breakGlass"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.breakGlass",
    selectable = ".spec.user.username",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("an access request does not change; create another one"))]
#[x_kube(validation = Rule::new("!self.breakGlass || (has(self.reason) && has(self.ticket))").message("break-glass needs a reason and a ticket"))]
#[x_kube(validation = Rule::new("!self.breakGlass || (self.mode == 'Eval' && self.ttlSeconds <= 3600)").message("break-glass is to evaluate, for an hour at most"))]
#[x_kube(validation = Rule::new("!has(self.run) || (self.mode == 'Eval' && !self.breakGlass)").message("an access for one run is to evaluate, and no break-glass"))]
pub struct AccessRequestSpec {
    /// Who asks, as the API server knows him.
    pub user: UserInfo,
    /// PKCS#10 request in PEM: proof of the key that will be used; the private key stays with the
    /// user.
    #[schemars(length(min = 64, max = 4096))]
    pub csr: String,
    /// What the access is for.
    pub mode: Mode,
    /// How long, in seconds: 60 to 28,800 (eight hours).
    #[serde(default = "default_ttl")]
    #[schemars(range(min = 60, max = 28800))]
    pub ttl_seconds: u32,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub reason: Option<String>,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub ticket: Option<String>,
    /// Whether approvals are skipped: loudly, and somebody has to look at it afterwards.
    #[serde(default)]
    pub break_glass: bool,
    /// The one run that the access is good for; without it, whatever its user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<AskedRun>,
}

/// The finalizer of a break-glass access that nobody has looked at yet: it stays until somebody has.
pub const REVIEW: &str = "prepl.dev/review";

impl AccessRequest {
    /// Whether it is a use of break-glass that nobody has looked at yet.
    #[must_use]
    pub fn owes_review(&self) -> bool {
        self.metadata.finalizers.iter().flatten().any(|one| one == REVIEW)
    }
}

/// 15 minutes: groups of the user are read once, when the request is made.
fn default_ttl() -> u32 {
    900
}

/// A user as the API server knows him (`authentication.k8s.io` `UserInfo`).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// Name.
    #[schemars(length(min = 1, max = 1024))]
    pub username: String,
    /// UID; empty for users without.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub uid: String,
    /// Groups.
    #[serde(default)]
    #[schemars(length(max = 1024), inner(length(max = 1024)))]
    pub groups: Vec<String>,
    /// What else the authenticator told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What an access request is for: a subresource of `workloads` in a `SubjectAccessReview`.
#[derive(
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
)]
pub enum Mode {
    /// Look: list and describe replicas.
    Inspect,
    /// Evaluate.
    Eval,
    /// Speak to a REPL without limits, through a tunnel.
    Attach,
}

impl Mode {
    /// The subresource of `workloads` that a role must allow.
    #[must_use]
    pub fn subresource(self) -> &'static str {
        match self {
            Mode::Inspect => "inspect",
            Mode::Eval => "eval",
            Mode::Attach => "attach",
        }
    }
}

/// What the controller made of it; nobody else may write here.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequestStatus {
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// `Ready`, with a reason and a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The certificate for the key of the request, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The authorities by which a gateway is to be checked, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// When the access ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
}

/// The condition that tells whether an access can be used.
pub const READY: &str = "Ready";

impl AccessRequestStatus {
    /// Whether it can be used, since when, and why.
    #[must_use]
    pub fn ready(&self) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.type_ == READY)
    }

    /// Why it was not given, in a sentence of the controller's.
    #[must_use]
    pub fn why_denied(&self) -> &str {
        self.ready().map_or("the controller tells no reason", |ready| &ready.message)
    }
}

/// Where an access request stands.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not looked at yet.
    Pending,
    /// It can be used.
    Active,
    /// It will not be given; the condition tells why.
    Denied,
    /// Its time is over.
    Expired,
}
