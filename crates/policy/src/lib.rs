//! Who may: a pure decision that denies what nothing allows.
//!
//! [`decide`] is the one maker of a [`Permit`], and a gateway evaluates on nothing but a permit,
//! taken by value: what was not decided does not compile.
//! This crate must not know: where the facts come from (a fleet's folder, Kubernetes), clocks, I/O.
//!
//! Reading order: `permit` the decision and what it gives.

mod permit;

pub use permit::{Denial, Permit, Verdict, decide};
