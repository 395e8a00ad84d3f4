//! What prepl does on a real Kubernetes, seen from outside: `kubectl` and `prepl` are run as a user
//! runs them. `tests/cluster/run` starts it; arguments choose scenarios by a part of their names.
//!
//! Needs `kubectl` on the path, KUBECONFIG of an administrator, the chart installed, and the program
//! `prepl` (PREPL_BIN, or on the path). Ends with 1 when a scenario failed.

#![expect(clippy::print_stdout, reason = "this program reports to whoever started it")]

mod cluster;
mod forger;
mod forward;
mod log_copy;
mod person;
mod scenario;
mod shop;
mod stream;
mod talk;

use std::process::ExitCode;
use std::time::Instant;

use scenario::SCENARIOS;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    let mut failed = 0;
    let mut run = 0;
    for (name, play) in SCENARIOS.iter().filter(|(name, _)| chosen(name)) {
        run += 1;
        let begun = Instant::now();
        let verdict = play();
        let seconds = begun.elapsed().as_secs_f64();
        match verdict {
            Ok(seen) => println!("ok      {name} ({seconds:.1} s): {seen}"),
            Err(why) => {
                failed += 1;
                println!("FAILED  {name} ({seconds:.1} s): {why}");
            }
        }
    }
    println!("{} of {run} scenarios passed", run - failed);
    // A filter that chooses nothing has shown nothing.
    if failed == 0 && run > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
