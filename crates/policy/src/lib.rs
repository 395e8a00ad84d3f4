//! Who may: a pure decision, default deny.
//!
//! This crate must not know: where the facts come from (Kubernetes, a fleet's folder), clocks, I/O.
