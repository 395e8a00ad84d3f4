//! The gateway as a service of a cluster.
//!
//! Reading order: [`pods`] which pods are replicas.

pub mod pods;
