//! prepl in a cluster: the controller puts sidecars into pods, gives certificates and answers
//! access requests.
//!
//! The second role, a gateway that takes runs from users and asks the pods, is on its way: it has
//! [`gateway`], which tells which pods are replicas.
//! This crate must not know: drivers, terminals, how answers are folded.
//!
//! Reading order: [`args`] the command line · [`controller`] · [`gateway`].

pub mod args;
pub mod controller;
pub mod gateway;
