//! The command line of `prepl-operator`.

use clap::{Parser, Subcommand};
use prepl_runtime::log::LogArgs;

use crate::{controller, gateway};

/// prepl in a cluster: injects sidecars, gives certificates, and fans runs out
#[derive(Debug, Parser)]
#[command(name = "prepl-operator", version, max_term_width = 100)]
pub struct Cli {
    /// Which role
    #[command(subcommand)]
    pub role: Role,

    /// Logs
    #[command(flatten)]
    pub log: LogArgs,
}

/// The two roles; they run in Deployments of their own, with service accounts of their own.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// Inject sidecars, give certificates, answer access requests
    Controller(controller::Args),
    /// Take runs from users and ask the pods
    Gateway(gateway::Args),
}
