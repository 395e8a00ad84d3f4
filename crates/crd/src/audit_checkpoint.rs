//! The end of one audit log as its gateway tells it, and as the controller has signed it.

#![allow(clippy::duplicated_attributes, reason = "each printed column has its own type")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Checkpoints that one object holds at most.
pub const MAX_CHECKPOINTS: usize = 200;

/// What the gateway tells of the log that it writes. The object has the name of the log's chain.
///
/// The API server vouches for `pod`: an admission policy refuses anybody but that gateway.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "prepl.dev",
    version = "v1alpha1",
    kind = "AuditCheckpoint",
    namespaced,
    status = "AuditCheckpointStatus",
    shortname = "acp",
    validation = Rule::new("self.metadata.name.matches('^[0-9a-f]{32}$')").message("the name is that of a chain: 32 hexadecimal digits in lower case"),
    printcolumn(name = "Pod", type_ = "string", json_path = ".spec.pod"),
    printcolumn(name = "Head", type_ = "integer", json_path = ".spec.head.seq"),
    printcolumn(
        name = "Regressed",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Regressed\")].status"
    ),
    printcolumn(name = "Told", type_ = "string", json_path = ".spec.head.time"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.pod == oldSelf.pod").message("a chain stays with its pod; look at who writes here"))]
pub struct AuditCheckpointSpec {
    /// The pod of the gateway that writes the chain.
    #[schemars(length(min = 1, max = 253))]
    pub pod: String,
    /// The last record of the chain.
    pub head: Head,
}

/// The last record of a chain.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Its number, from 0.
    #[schemars(range(max = 9007199254740991_u64))]
    pub seq: u64,
    /// Its hash: 64 hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub hash: String,
    /// When the gateway told it, by its own clock: `2026-03-01T09:30:00.125Z`.
    #[schemars(length(max = 32))]
    pub time: String,
}

/// What the controller signed; nobody else may write here.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AuditCheckpointStatus {
    /// The public key of the signatures: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The newest last. Of older ones some are left out, the more the older.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_CHECKPOINTS))]
    pub checkpoints: Vec<SignedHead>,
    /// `Regressed` is true once the gateway told of an end that contradicts a checkpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A checkpoint and its signature, as a line of the checkpoints that `prepl-audit` verifies.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// What is signed.
    pub checkpoint: SignedPlace,
    /// Ed25519: 128 hexadecimal digits.
    pub signature: String,
}

/// At this time, this was the end of this chain.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SignedPlace {
    /// The chain.
    pub chain: String,
    /// Number of its last record.
    pub seq: u64,
    /// Hash of its last record.
    pub hash: String,
    /// When, by the controller's clock.
    pub time: String,
}
