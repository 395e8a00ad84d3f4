//! `prepl-operator`: see the library for what it does.

use std::process::ExitCode;

use clap::Parser;
use prepl_operator::args::{Cli, Role};
use prepl_operator::{controller, gateway};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = cli.log.init() {
        return failed(&error);
    }
    match cli.role {
        Role::Controller(args) => ended(controller::run(*args).await),
        Role::Gateway(args) => ended(gateway::run(*args).await),
    }
}

fn ended<E: std::error::Error>(ended: Result<(), E>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

#[expect(clippy::print_stderr, reason = "logs may not be set up")]
fn failed(error: &dyn std::error::Error) -> ExitCode {
    match error.source() {
        Some(cause) => eprintln!("prepl-operator: {error}: {cause}"),
        None => eprintln!("prepl-operator: {error}"),
    }
    ExitCode::FAILURE
}
