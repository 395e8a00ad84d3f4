//! A `prepl` that is spoken with through pipes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cluster::{Problem, ensure, wait_until};
use crate::person::Person;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running command; it ends when this is dropped.
pub struct Talk {
    child: Child,
    input: ChildStdin,
    heard: Arc<Mutex<String>>,
    read: usize,
}

impl Talk {
    /// Starts `prepl` as somebody, and listens to both of its streams.
    pub fn start(person: &Person, args: &[&str]) -> Result<Talk, Problem> {
        let mut command = person.prepare(args);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| format!("cannot run prepl: {error}"))?;
        let heard = Arc::default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        listen(out.ok_or("no standard output")?, Arc::clone(&heard));
        listen(err.ok_or("no standard error")?, Arc::clone(&heard));
        let input = child.stdin.take().ok_or("no standard input")?;
        Ok(Talk { child, input, heard, read: 0 })
    }

    /// Says a line.
    pub fn say(&mut self, line: &str) -> Result<(), Problem> {
        let said = self.input.write_all(format!("{line}\n").as_bytes());
        said.map_err(|error| format!("prepl does not listen: {error}; {}", self.rest()))
    }

    /// Waits until a text comes that stands after what was waited for before.
    pub fn hear(&mut self, text: &str) -> Result<(), Problem> {
        let end = wait_until(PATIENCE, || {
            let rest = self.rest();
            ensure(rest.contains(text), || format!("no {text:?} in {rest:?}"))
        });
        end?;
        self.read += self.rest().find(text).unwrap_or_default() + text.len();
        Ok(())
    }

    /// Waits until all of these have come, in any order: there are two streams.
    pub fn hear_all(&mut self, texts: &[&str]) -> Result<(), Problem> {
        wait_until(PATIENCE, || {
            let rest = self.rest();
            let missing = texts.iter().find(|text| !rest.contains(**text));
            ensure(missing.is_none(), || format!("no {missing:?} in {rest:?}"))
        })?;
        self.read += self.rest().len();
        Ok(())
    }

    /// What stands on a line behind this text.
    pub fn heard_line(&self, after: &str) -> Result<String, Problem> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let line = heard.lines().find_map(|line| Some(line.split_once(after)?.1.to_owned()));
        line.ok_or_else(|| format!("no {after:?} in {heard:?}"))
    }

    /// Everything that came after what was waited for.
    pub fn rest(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(self.read..).unwrap_or_default().to_owned()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // One that ended by itself needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(mut stream: impl Read + Send + 'static, heard: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut part) {
            let text = String::from_utf8_lossy(&part[..read]);
            heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    });
}
