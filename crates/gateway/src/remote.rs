//! A gateway of a cluster, seen by who asks it.
//!
//! Reading order: [`client`] the calls · `dial` their connections · [`run`] a run that outlives its
//! gateway · [`merge`] what two gateways told of one run · [`wire`] a plan as a message, and back ·
//! [`judging`] verdicts as messages, and back · [`audit`] its log.

pub mod audit;
pub mod client;
mod dial;
pub mod judging;
pub mod merge;
pub mod run;
pub mod wire;

pub use audit::{AuditFiles, AuditPart};
pub use client::{Listed, Remote, RemoteFailed};
pub use run::RemoteRun;
