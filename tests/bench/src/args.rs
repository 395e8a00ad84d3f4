//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use prepl_sidecar::endpoint::Endpoint;

/// Measures prepl beside a floor and prints a table of ratios
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Rows to measure; all of them unless some are named
    pub rows: Vec<Row>,

    /// Pairs of each row; the median of them is judged
    #[arg(long, default_value_t = 9)]
    pub pairs: usize,

    /// What this process is for another one of the bench
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// What can be measured, in the order in which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// Fan-out over connections that are kept
    Warm,
    /// Fan-out over new connections, and the share of it until the first answer
    Cold,
    /// Both over 1,000 processes
    Processes,
    /// `rhai:` through a sidecar against the bare hop
    Hop,
    /// What a sidecar adds to an evaluation on an nREPL server
    Added,
    /// The pause of nREPL servers that write an answer in two packets
    Stall,
    /// Memory of a sidecar and sizes of the binaries
    Footprint,
    /// Answers at the prompt of `prepl repl` over 12 replicas against one client of one replica
    Prompt,
    /// 5,000 evaluations in one session of 12 replicas, and what memory they leave behind
    Session,
}

/// Servers that the bench measures, each kind in processes of its own.
#[derive(Debug, Subcommand)]
#[expect(clippy::enum_variant_names, reason = "they are words of a command line")]
pub enum Role {
    /// Sidecars, as the binary `prepl-sidecar` runs them
    ServeSidecars(Servers),
    /// The floor: bare tonic over the same mutual TLS
    ServeFloor(Servers),
    /// An nREPL server that gives every text the value 2
    ServeRepl {
        /// Write the value and the end in two packets, with Nagle's algorithm on
        #[arg(long)]
        stalling: bool,
    },
}

/// Which servers of a fleet.
#[derive(Clone, Debug, Args)]
pub struct Servers {
    /// Folder with the bundles
    #[arg(long)]
    pub folder: PathBuf,
    /// Number of the first
    #[arg(long)]
    pub first: usize,
    /// How many
    #[arg(long)]
    pub count: usize,
    /// REPL of each; the floor has none
    #[arg(long, default_value = "rhai:")]
    pub repl: Endpoint,
}
