//! What every daemon of prepl needs: logs, an orderly end, an admin port.
//!
//! This crate must not know any other crate of prepl.
//!
//! Reading order: [`log`] flags and format of logs · [`shutdown`] first signal drains, second ends ·
//! [`admin`] health and metrics.

pub mod admin;
pub mod log;
pub mod shutdown;
