//! `prepl-sidecar`: see the library for what it does.

use std::process::ExitCode;

use clap::Parser;
use prepl_sidecar::args::Cli;
use prepl_sidecar::run;

fn main() -> ExitCode {
    run::main(&Cli::parse())
}
