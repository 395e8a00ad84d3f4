//! `kubectl` as the administrator.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What went wrong, for a person.
pub type Problem = String;

/// Runs `kubectl` and gives what it wrote; an error is its complaint.
pub fn kubectl(args: &[&str]) -> Result<String, Problem> {
    said(args, command("kubectl").args(args).output())
}

/// `kubectl apply` of a manifest.
pub fn apply(manifest: &str) -> Result<String, Problem> {
    feed(&["apply", "-f", "-"], manifest)
}

/// Runs `kubectl` with something on its standard input.
pub fn feed(args: &[&str], input: &str) -> Result<String, Problem> {
    said(args, fed(command("kubectl").args(args), input))
}

/// An object, or a list of them.
pub fn get(args: &[&str]) -> Result<Value, Problem> {
    let all: Vec<&str> = ["get", "-o", "json"].iter().chain(args).copied().collect();
    serde_json::from_str(&kubectl(&all)?).map_err(|bad| bad.to_string())
}

/// A command that gets no input.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Runs a command with something on its standard input.
pub fn fed(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    child.wait_with_output()
}

/// Asks again until it holds, for at most `patience`; an error is what it last said.
pub fn wait_until(
    patience: Duration,
    mut holds: impl FnMut() -> Result<(), Problem>,
) -> Result<Duration, Problem> {
    let begun = Instant::now();
    loop {
        match holds() {
            Ok(()) => return Ok(begun.elapsed()),
            Err(why) if begun.elapsed() > patience => {
                return Err(format!("not within {patience:?}: {why}"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Turns a thing that must hold into a sentence when it does not.
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn said(args: &[&str], output: std::io::Result<Output>) -> Result<String, Problem> {
    let output = output.map_err(|error| format!("cannot run kubectl: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("kubectl {}: {}", args.join(" "), complaint.trim()))
}
