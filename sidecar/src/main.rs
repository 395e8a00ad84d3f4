//! `prepl-sidecar`: see the library for what it does.

use std::process::ExitCode;

use clap::Parser;
use prepl_sidecar::args::Cli;
use prepl_sidecar::{allocator, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Where it cannot start anew it serves all the same, and needs more memory.
    let _ = allocator::settle();
    run::main(&cli)
}
