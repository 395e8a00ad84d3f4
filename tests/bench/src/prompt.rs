//! `prepl repl` over a fleet, driven through a pipe.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// A running prompt; it ends when this is dropped.
pub struct Prompt {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Prompt {
    /// Starts the `prepl` that stands beside this program.
    pub fn start(fleet: &Path) -> Result<Prompt, Failure> {
        let prepl = std::env::current_exe()?.with_file_name("prepl");
        let mut process = Command::new(prepl)
            .arg("--fleet")
            .arg(fleet)
            .args(["repl", "-A"])
            .env("XDG_STATE_HOME", fleet)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().ok_or("a process without standard input")?;
        let output = process.stdout.take().ok_or("a process without standard output")?;
        Ok(Prompt { process, input, output: BufReader::new(output).lines() })
    }

    /// Types a line, and waits for the line that ends with its answer.
    pub fn evaluate(&mut self, code: &str, value: &str) -> Result<Duration, Failure> {
        let begun = Instant::now();
        // A value that stands alone has a notice or something printed beside it.
        let is_all = format!("12/12 same   {value}");
        self.ask(code, |line| (line == value || line.ends_with(&is_all)).then_some(()))?;
        Ok(begun.elapsed())
    }

    /// Types a line, and waits for the first line of output that is an answer.
    pub fn ask<T>(&mut self, code: &str, answer: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        // One packet, as a person's Enter is.
        self.input.write_all(format!("{code}\n").as_bytes())?;
        for line in self.output.by_ref() {
            if let Some(answer) = answer(line?.trim()) {
                return Ok(answer);
            }
        }
        Err(format!("prepl repl ended before it answered {code}").into())
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
