//! prepl in a cluster: the controller and the gateway, two roles of one program.
//!
//! The controller puts sidecars into pods, gives certificates and answers access requests; one of
//! its replicas is active. The gateway takes runs from users and asks the pods; any number of them.
//! This crate must not know: drivers, terminals, how answers are folded.
//!
//! Reading order: [`args`] the command line · [`controller`] · [`gateway`].

pub mod args;
pub mod controller;
pub mod gateway;
