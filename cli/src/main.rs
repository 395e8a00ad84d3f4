//! The command `prepl`; see [`prepl_cli::command`].

use std::process::ExitCode;

fn main() -> ExitCode {
    prepl_cli::run(std::env::args_os())
}
