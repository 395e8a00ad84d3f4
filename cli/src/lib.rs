//! prepl: arguments in, rendered answers out.
//!
//! The command line of prepl as a library, so that `prepl-demo` offers the same commands over a
//! fleet of its own. This crate must not know: gRPC, or how a right is decided; it asks through
//! `prepl-gateway` and folds with `prepl-fold`. How a cluster is reached only [`cluster`] knows;
//! its objects are what [`request`] and [`audit`] show.
//!
//! Reading order: [`command`] the words · [`exec`], [`repl`], [`query`], [`load`], [`serve`], [`targets`], [`port_forward`], [`request`],
//! [`fleet`], [`auth`], [`audit`], [`doctor`], [`demo`] and [`completion`] one command each ·
//! [`cluster`] a user's way into a cluster · [`select`], [`source`], [`pace`], [`grounds`],
//! [`settings`] and [`quantity`] what the arguments mean · [`reach`] and [`ids`] what a run needs · [`members`] who is asked
//! over a longer time, [`talk`] a session with them, [`tooling`] what their
//! runtimes know of names · [`drive`],
//! [`live`], [`gather`] and [`progress`] a run under way · [`render`] the screens · [`console`] and
//! [`problem`] the user's two streams · `state` what outlives a command.

pub mod audit;
pub mod auth;
pub mod cluster;
pub mod command;
pub mod completion;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod drive;
pub mod exec;
pub mod fleet;
pub mod gather;
pub mod grounds;
pub mod ids;
pub mod live;
pub mod load;
pub mod members;
pub mod pace;
pub mod port_forward;
pub mod problem;
pub mod progress;
pub mod quantity;
pub mod query;
pub mod reach;
pub mod render;
pub mod repl;
pub mod request;
pub mod select;
pub mod serve;
pub mod settings;
pub mod source;
mod state;
pub mod talk;
pub mod targets;
pub mod tooling;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command line; the first argument is the program's name.
///
/// Starts an async runtime of its own where it needs one: do not call it from within another.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(command::run(args))
}
