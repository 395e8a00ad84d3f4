//! What every daemon of prepl needs: logs and an orderly end.
//!
//! This crate must not know any other crate of prepl.
//!
//! Reading order: [`log`] flags and format of logs · [`shutdown`] first signal drains, second ends.

pub mod log;
pub mod shutdown;
