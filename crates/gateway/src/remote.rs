//! A gateway of a cluster, seen by who asks it.
//!
//! Reading order: [`client`] the calls · `dial` their connections · [`run`] a run that outlives its
//! gateway, and the `commands` to it · [`merge`] what two gateways told of one run · [`wire`] a plan as a message, and back ·
//! [`judging`] verdicts as messages, and back · `sessions` what replicas keep · [`audit`] its log.

pub mod audit;
pub mod client;
mod commands;
mod dial;
pub mod judging;
pub mod merge;
pub mod run;
mod sessions;
pub mod wire;

pub use audit::{AuditFiles, AuditPart};
pub use client::{Listed, Remote, RemoteFailed};
pub use run::RemoteRun;
