//! The command line of `prepl-sidecar`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use prepl_runtime::log::LogArgs;

use crate::endpoint::Endpoint;

/// One replica's end of prepl: passes evaluations to the app's own REPL, and nobody else's
#[derive(Debug, Parser)]
#[command(name = "prepl-sidecar", version, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Logs
    #[command(flatten)]
    pub log: LogArgs,
}

/// What a sidecar does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve one REPL to the fleet
    ///
    /// Runs until SIGTERM or Ctrl-C, and then lets running evaluations end.
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
}

const EXAMPLES: &str = "\
Examples:
  # A Clojure service with nREPL on port 7888
  prepl-sidecar serve --bundle api-1.pem --listen 0.0.0.0:7070 --repl nrepl://127.0.0.1:7888

  # A plain Clojure socket REPL; nothing changes in the app
  prepl-sidecar serve --bundle api-1.pem --repl clojure://127.0.0.1:5555

  # No REPL in the app: the sidecar's own engine, which may read the log folder
  prepl-sidecar serve --bundle api-1.pem --repl rhai: --allow-root /var/log/api";

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Key, certificate and authorities of this replica, as `prepl fleet add` wrote them
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,

    /// Address to listen on for the fleet; mutual TLS only
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:7070")]
    pub listen: SocketAddr,

    /// REPL of the app: nrepl://HOST:PORT or clojure://HOST:PORT on loopback, or rhai:
    #[arg(long, value_name = "URL")]
    pub repl: Endpoint,

    /// Folder that scripts of `rhai:` may read; may be given several times
    #[arg(long = "allow-root", value_name = "DIR")]
    pub roots: Vec<PathBuf>,
}
