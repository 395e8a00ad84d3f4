//! `prepl demo`: hands over to `prepl-demo`, so that the installed `prepl` stays small.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::problem::Problem;

const PROGRAM: &str = "prepl-demo";

/// Start a fleet on the spot and try prepl on it
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl demo                                        a fleet to play with, and a prompt
  prepl demo exec -l app=api '(count-sessions)'     one command, then clean up")]
pub struct DemoArgs {
    /// Arguments of prepl-demo
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    args: Vec<OsString>,
}

/// Runs `prepl-demo` with the same arguments; its exit code is ours.
pub fn run(args: &DemoArgs) -> Result<u8, Problem> {
    let status = Command::new(program()).args(&args.args).status().map_err(missing)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Beside this program, or wherever PATH finds it.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|prepl| prepl.with_file_name(PROGRAM));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PROGRAM.into())
}

fn missing(error: std::io::Error) -> Problem {
    let how = "install it with: cargo install --path demo, or run: cargo run -p prepl-demo";
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Problem::failed("the demo is a program of its own, prepl-demo, and it is not there")
                .hint(how)
        }
        _ => Problem::failed(format!("cannot start prepl-demo: {error}")),
    }
}
