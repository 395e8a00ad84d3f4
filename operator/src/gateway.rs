//! The gateway as a service of a cluster.

/// Arguments of `gateway`.
#[derive(Debug, clap::Args)]
pub struct Args {}
