//! A fleet on the spot: twelve replicas of a small service, each with its own sidecar.
//!
//! One binary plays every part: it starts itself as `part-service` and `part-sidecar`, a process
//! each, and runs `prepl`'s own command line over the fleet. When it ends, also by `kill -9`, the
//! standard input of its parts closes and they end too.
//!
//! Reading order: `args` the command line · `cast` who the replicas are · `stage` the running
//! fleet · `part` what the started processes do · `child` starting one · `clojure` the JVM's twin.

mod args;
mod cast;
mod child;
mod clojure;
mod part;
mod stage;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::Parser;
use prepl_runtime::shutdown::Signals;

use crate::args::{Demo, Role};
use crate::stage::{NoStage, Stage};

fn main() -> ExitCode {
    let demo = Demo::parse();
    match demo.role {
        Some(Role::PartService(config)) => part::service(config),
        Some(Role::PartSidecar(serve)) => part::sidecar(&serve),
        None => play(&demo),
    }
}

fn play(demo: &Demo) -> ExitCode {
    let played = Stage::set(demo).and_then(|stage| match demo.command.is_empty() {
        true if io::stdin().is_terminal() => Ok(prompt(&stage)),
        true => stay(&stage),
        false => Ok(prepl(&stage, &demo.command)),
    });
    played.unwrap_or_else(|problem| {
        // With standard error closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "error: {problem}");
        ExitCode::FAILURE
    })
}

/// Runs one command line of `prepl` over the fleet.
fn prepl(stage: &Stage, command: &[OsString]) -> ExitCode {
    let fleet = ["prepl".into(), "--fleet".into(), stage.folder().as_os_str().to_owned()];
    prepl_cli::run(fleet.into_iter().chain(command.iter().cloned()))
}

/// Stays up until the user leaves the prompt.
fn prompt(stage: &Stage) -> ExitCode {
    // With standard output closed there is nobody to tell.
    let _ = io::stdout().write_all(stage.instructions("Leaving the prompt").as_bytes());
    prepl(stage, &["repl", "-l", "app=api"].map(OsString::from))
}

/// Stays up until a signal comes.
fn stay(stage: &Stage) -> Result<ExitCode, NoStage> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(NoStage::System)?.block_on(async {
        let mut signals = Signals::listen().map_err(NoStage::System)?;
        // With standard output closed there is nobody to tell.
        let _ = io::stdout().write_all(stage.instructions("Ctrl-C").as_bytes());
        signals.next().await;
        Ok(ExitCode::SUCCESS)
    })
}
