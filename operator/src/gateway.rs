//! The gateway as a service of a cluster: takes runs from the holders of access requests, and asks
//! the pods.
//!
//! A call passes these in order: [`porter`] (mutual TLS) → [`service`] (gRPC) → [`access`] (is the
//! access still there) → [`fleet`] and [`pods`] (which pods) → [`rights`] (may he) → [`conduct`]
//! (the run, its stream, and the end of both when the access ends) or [`attach`] (a tunnel, the
//! same).
//!
//! [`settings`] arguments · [`metrics`] · [`run`] all of it, started.

pub mod access;
pub mod attach;
pub mod conduct;
pub mod fleet;
pub mod metrics;
pub mod pods;
pub mod porter;
pub mod rights;
pub mod run;
pub mod service;
pub mod settings;

pub use run::run;
pub use settings::Args;
