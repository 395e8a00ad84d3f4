//! `prepl-operator`: see the library for what it does.

use std::process::ExitCode;

use clap::Parser;
use prepl_operator::args::Cli;

fn main() -> ExitCode {
    let _cli = Cli::parse();
    ExitCode::SUCCESS
}
