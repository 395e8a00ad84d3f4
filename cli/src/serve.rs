//! `prepl serve`: a local server that is the fleet.
//!
//! Reading order: `nrepl` the command · `listen` and `port_file` where clients find it, `token`
//! what they may have to know · `connection` one client, `wire` and `request` its messages,
//! `reply` those to it · `ops` what it may ask for · `session` evaluations in line, `turn` the one
//! that runs, `conduct` from its begin to its end · `fold` many answers as one · `news` what else
//! is told · `server` what all share, `lead` who answers what the fleet cannot.

mod conduct;
mod connection;
mod fold;
mod lead;
mod listen;
mod news;
mod nrepl;
mod ops;
mod port_file;
mod reply;
mod request;
mod server;
mod session;
mod token;
mod turn;
mod wire;

use clap::{Args, Subcommand};

use crate::command::Global;
use crate::problem::Problem;

/// Serve the replicas you name as one REPL, for an editor
#[derive(Args, Clone, Debug)]
#[command(subcommand_required = true)]
pub struct ServeArgs {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Subcommand, Clone, Debug)]
enum Protocol {
    Nrepl(nrepl::NreplArgs),
}

/// Serves until the user ends it.
pub fn run(args: &ServeArgs, global: &Global) -> Result<u8, Problem> {
    match &args.protocol {
        Protocol::Nrepl(args) => nrepl::run(args, global),
    }
}
