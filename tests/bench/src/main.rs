//! What prepl costs, beside a floor that is measured in the same run.
//!
//! Wall times of a shared machine differ by a third from minute to minute, so nothing here judges
//! them. Each row takes a floor and prepl in turns, in pairs, and judges the median of what the
//! pairs say; when the floor itself does not hold still, it does not judge. Every answer is
//! checked, and a wrong one is the only thing that makes the exit code 1. The rows are explained
//! in `docs/benchmarks.md`.
//!
//! Reading order: [`args`] the command line · [`rows`] what is measured · [`pairs`] how it is
//! judged · [`table`] how it is shown · [`fleet`] certificates and names · [`child`] and [`serve`]
//! the servers, in processes of their own · [`floor`] bare tonic · [`ask`] prepl · [`stub`] an
//! nREPL server · [`direct`] a client of one · [`jvm`] a real one · [`prompt`] `prepl repl`
//! over some of them · [`memory`] what a process takes.

#![expect(clippy::print_stdout, reason = "it is there to print")]

mod args;
mod ask;
mod child;
mod direct;
mod fleet;
mod floor;
mod jvm;
mod memory;
mod pairs;
mod prompt;
mod rows;
mod serve;
mod stub;
mod table;

use clap::Parser;

/// Whatever ends a run: an answer that is wrong, or a machine that refuses.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let cli = args::Cli::parse();
    match cli.role {
        Some(role) => serve::run(&role),
        None => rows::run(&cli),
    }
}
