//! What every daemon of prepl needs: logs, an orderly end, an admin port, a door for members, and
//! a certificate of its own.
//!
//! This crate must not know what a daemon serves: sessions, runs, Kubernetes.
//!
//! Reading order: [`log`] flags and format of logs · [`shutdown`] first signal drains, second ends
//! at once · [`admin`] health and metrics · [`door`] connections of members · [`enrol`] a pod's
//! certificate · [`seldom`] what peers can make it tell · [`shares`] what each caller has.

pub mod admin;
pub mod door;
pub mod enrol;
pub mod log;
pub mod seldom;
pub mod shares;
pub mod shutdown;
