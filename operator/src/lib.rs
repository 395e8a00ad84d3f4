//! prepl in a cluster: the controller puts sidecars into pods, gives certificates and answers
//! access requests; the gateway takes runs from users and asks the pods.
//!
//! This crate must not know: drivers, terminals, how answers are folded.
//!
//! Reading order: [`args`] the command line · [`controller`] · [`gateway`] · [`counter`]
//! what both count, [`checkpoint_form`] what both know of audit logs.

pub mod args;
pub mod checkpoint_form;
pub mod controller;
pub mod counter;
pub mod gateway;
