//! The custom resources of prepl, group `prepl.dev`.
//!
//! Types and their schemas with CEL rules, nothing that talks to a cluster. The chart's copies in
//! `charts/prepl/definitions` are written by `cargo run -p prepl-crd`; a test fails when they are
//! stale. This crate must not know: how a right is decided, certificates beyond their PEM text,
//! gRPC.
//!
//! Reading order: [`access_request`] the right of one user to reach replicas · [`asked_run`] the
//! one run that it may be for · [`access_approval`] what others say to it · [`right`] what he may
//! do there · [`policy`] what holds of what is asked · [`audit_checkpoint`] the end of an audit
//! log, signed · [`labels`] by which pods ask for a sidecar · [`selector`] how what belongs together
//! is found · [`generate`] the definitions as the chart carries them.

pub mod access_approval;
pub mod access_request;
pub mod asked_run;
pub mod audit_checkpoint;
pub mod generate;
pub mod labels;
pub mod policy;
pub mod right;
pub mod selector;

pub use access_approval::{AccessApproval, AccessApprovalSpec, Decision, RequestName};
pub use access_request::{
    AccessRequest, AccessRequestSpec, AccessRequestStatus, Mode, Phase, READY, REVIEW, UserInfo,
};
pub use asked_run::{AskedRun, NamedReplica};
pub use audit_checkpoint::{AuditCheckpoint, AuditCheckpointSpec, AuditCheckpointStatus};
pub use policy::{ClusterReplPolicy, PolicySpec, ReplPolicy};

/// The API group.
pub const GROUP: &str = "prepl.dev";
