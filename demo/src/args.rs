//! The command line of `prepl-demo`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use prepl_sidecar::args::Serve;

/// Start a fleet of a small service on this machine and ask it with prepl
///
/// With a COMMAND of prepl: runs it over the fleet, cleans up, and ends with its exit code.
/// Without: shows how to reach the fleet and opens a prompt for it; where there is no terminal, stays
/// up until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "prepl-demo", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true)]
pub struct Demo {
    /// Replicas of the service, each a process with a sidecar process of its own
    #[arg(long, value_name = "N", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=200))]
    pub replicas: u16,

    /// Run the Clojure version of the service: one JVM, half nREPL, half plain socket REPL
    #[arg(long)]
    pub clojure: bool,

    /// Jars of Clojure and, if wanted, nREPL, as `java -cp` takes them
    #[arg(long, value_name = "JARS", env = "PREPL_CLOJURE_CLASSPATH", requires = "clojure")]
    pub class_path: Option<OsString>,

    /// A command of prepl with its arguments, e.g. exec -l app=api '(count-sessions)'
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,

    #[command(subcommand)]
    pub role: Option<Role>,
}

const EXAMPLES: &str = "\
Examples:
  prepl-demo                                        a prompt for the fleet
  prepl-demo exec -l app=api '(count-sessions)'     one command, then clean up
  prepl-demo exec -l app=api -o diff '(cache-info)'
  prepl-demo --clojure exec -l app=api '(count-sessions)'";

/// What a process that the demo started for itself plays.
#[derive(Debug, Subcommand)]
pub enum Role {
    #[command(hide = true)]
    PartService(Service),
    #[command(hide = true)]
    PartSidecar(Box<Serve>),
}

/// Figures of one replica of the service.
#[derive(Clone, Debug, Args)]
pub struct Service {
    #[arg(long)]
    pub version: String,
    #[arg(long)]
    pub zone: String,
    #[arg(long)]
    pub sessions: u32,
    #[arg(long)]
    pub cache_generation: u32,
    #[arg(long)]
    pub cache_size: u32,
    #[arg(long = "feature")]
    pub features: Vec<String>,
}

/// The folder in which the install script of the tests keeps jars.
pub fn jar_cache() -> Option<PathBuf> {
    let own = std::env::var_os("PREPL_CACHE").map(PathBuf::from);
    let xdg = || Some(PathBuf::from(std::env::var_os("XDG_CACHE_HOME")?).join("prepl"));
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/prepl"));
    own.or_else(xdg).or_else(home).map(|cache| cache.join("clojure"))
}
