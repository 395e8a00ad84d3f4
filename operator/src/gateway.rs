//! The gateway as a service of a cluster: takes runs from the holders of access requests, and asks
//! the pods.
//!
//! A call passes these in order: [`doorkeeper`] (mutual TLS) → [`service`] (gRPC) → [`access`] (is
//! the access still there) → [`fleet`] and [`pods`] (which pods) → [`purpose`] (is the access good
//! for that) → [`rights`] (may he) → [`approvals`] (who approved it) → [`judging`] ([`policies`]
//! and [`recent`]: may he now, and how much) → `signer` (did he sign it himself) → `recording`
//! (that he is about to, or may not, is in the audit log, `denials` within bounds) → [`conduct`]
//! (the run, its stream, and the end of both when the access ends) or [`attach`] (a tunnel, the
//! same). [`end_session`] ends what replicas keep for a caller, `input` is what his runs read.
//!
//! `fresh` answers of the API server, kept for a moment · [`audit`] the log told to who may read it
//! · [`anchor`] its end, signed by the controller · [`settings`] arguments · [`metrics`] ·
//! [`start`] all of it, started.

pub mod access;
pub mod anchor;
pub mod approvals;
pub mod attach;
pub mod audit;
pub mod conduct;
mod denials;
pub mod doorkeeper;
pub mod end_session;
pub mod fleet;
mod fresh;
mod input;
pub mod judging;
pub mod metrics;
pub mod pods;
pub mod policies;
pub mod purpose;
pub mod recent;
mod recording;
pub mod rights;
pub mod service;
pub mod settings;
mod signer;
pub mod start;

pub use settings::Args;
pub use start::run;
