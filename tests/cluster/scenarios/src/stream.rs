//! A run that goes on while the scenario does something to the cluster.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::cluster::{Problem, ensure};
use crate::person::Person;

/// A run that tells its lines of JSON as they come.
pub struct Stream {
    child: Child,
    reader: BufReader<ChildStdout>,
    seen: Seen,
}

/// What a run told.
#[derive(Debug, Default)]
pub struct Seen {
    /// Printed text, by replica.
    pub output: BTreeMap<String, String>,
    /// Classes of outcomes, by replica.
    pub outcomes: BTreeMap<String, Vec<String>>,
    /// The exit code.
    pub code: i32,
    /// The closing lines.
    pub err: String,
}

impl Stream {
    /// Starts `prepl exec -o jsonl` with these arguments.
    pub fn start(person: &Person, args: &[&str]) -> Result<Stream, Problem> {
        let all: Vec<&str> = ["exec", "-o", "jsonl"].iter().chain(args).copied().collect();
        let mut child = person.start(&all)?;
        let reader = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Stream { child, reader, seen: Seen::default() })
    }

    /// Reads on until so many replicas have printed something.
    pub fn until_printed(&mut self, replicas: usize) -> Result<(), Problem> {
        while self.seen.output.len() < replicas {
            let more = self.read()?;
            ensure(more, || format!("ended when {} had printed", self.seen.output.len()))?;
        }
        Ok(())
    }

    /// Reads on in a thread, so that the program never waits for a reader.
    pub fn read_on(mut self) -> JoinHandle<Result<Seen, Problem>> {
        std::thread::spawn(move || {
            while self.read()? {}
            let output = self.child.wait_with_output().map_err(|error| error.to_string())?;
            self.seen.code = output.status.code().unwrap_or(-1);
            self.seen.err = String::from_utf8_lossy(&output.stderr).into_owned();
            Ok(self.seen)
        })
    }

    fn read(&mut self) -> Result<bool, Problem> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
            return Ok(false);
        }
        let told: Value = serde_json::from_str(&line).map_err(|bad| format!("{bad}: {line}"))?;
        let replica = told["replica"].as_str().unwrap_or_default().to_owned();
        match told["kind"].as_str() {
            Some("out") => {
                let text = told["text"].as_str().unwrap_or_default();
                *self.seen.output.entry(replica).or_default() += text;
            }
            Some("result") => {
                let class = told["class"].as_str().unwrap_or_default().to_owned();
                self.seen.outcomes.entry(replica).or_default().push(class);
            }
            _ => {}
        }
        Ok(true)
    }
}

/// Waits for a stream that another thread reads.
pub fn joined(reading: JoinHandle<Result<Seen, Problem>>) -> Result<Seen, Problem> {
    reading.join().map_err(|_| "a thread died".to_owned())?
}

impl Seen {
    /// So many replicas ended, each once and well.
    pub fn all_ok(&self, replicas: usize) -> Result<(), Problem> {
        let well = self.outcomes.values().all(|outcomes| *outcomes == ["ok"]);
        ensure(self.code == 0 && well && self.outcomes.len() == replicas, || {
            format!("exit {}: {:?} {}", self.code, self.outcomes, self.err)
        })
    }

    /// Every replica printed the numbers below this one, each once and in order.
    pub fn counted_to(&self, end: usize) -> Result<(), Problem> {
        let numbers: String = (0..end).map(|number| format!("{number}\n")).collect();
        let wrong = self.output.iter().find(|(_, text)| **text != numbers);
        wrong.map_or(Ok(()), |(replica, text)| Err(format!("{replica} printed {text:?}")))
    }
}
