//! The custom resources of prepl, group `prepl.dev`.
//!
//! Types and their schemas with CEL rules, nothing that talks to a cluster. The chart's copies in
//! `charts/prepl/definitions` are written by `cargo run -p prepl-crd`; a test fails when they are stale.
//! This crate must not know: how a right is decided, certificates beyond their PEM text, gRPC.
//!
//! Reading order: [`access_request`] the right of one user to reach replicas · [`right`] what he may
//! do there · [`generate`] the
//! definitions as the chart carries them.

pub mod access_request;
pub mod generate;
pub mod policy;
pub mod right;

pub use access_request::{
    AccessRequest, AccessRequestSpec, AccessRequestStatus, Mode, Phase, UserInfo,
};
pub use policy::{ClusterReplPolicy, PolicySpec, ReplPolicy};

/// The API group.
pub const GROUP: &str = "prepl.dev";
