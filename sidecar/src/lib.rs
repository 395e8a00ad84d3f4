//! One pod's end of prepl: who may ask, sessions, limits and drivers.
//!
//! This crate must not know Kubernetes, other replicas, or how answers are folded.

pub mod driver;
pub mod stop;
