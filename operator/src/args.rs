//! The command line of `prepl-operator`.

use clap::{Parser, Subcommand};
use prepl_runtime::log::LogArgs;

use crate::{controller, gateway};

/// prepl in a cluster: injects sidecars, gives certificates, answers access requests, takes runs
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

/// The roles; each runs in pods of its own, with a service account of its own.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// Inject sidecars, give certificates, answer access requests
    Controller(Box<controller::Args>),
    /// Take runs from the holders of access requests, and ask the pods
    Gateway(Box<gateway::Args>),
}
