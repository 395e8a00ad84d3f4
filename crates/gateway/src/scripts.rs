//! The scripts of policies' expression rules, run in prepl's one Rhai engine.
//!
//! A script sees what it is given and nothing else. All scripts of one judgement share a time;
//! what fails or takes longer denies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use prepl_core::Reason;
use prepl_policy::{Expressions, Seen};
use prepl_script::{Bounds, Engine, Fault, Given, Limits, Session, Sight, Stop};

/// Wall time of one script.
const ONE: Duration = Duration::from_millis(250);
/// Wall time of all scripts of one judgement.
const ALL: Duration = Duration::from_secs(2);
/// What a script that is told to end gets to do so.
const GRACE: Duration = Duration::from_millis(250);
/// Steps of one script: some 100 ms.
const STEPS: u64 = 1_000_000;
/// Memory by which the process may grow while one script runs: others take some too.
const MEMORY: u64 = 64 << 20;
/// Longest string: four times the longest expression.
const STRING: usize = 256 << 10;

/// The engine for scripts of policies; a clone is the same one.
#[derive(Clone, Debug)]
pub struct Scripts(Engine);

/// The scripts of one judgement, from now on. It blocks the thread that judges.
#[derive(Debug)]
pub struct Judging {
    engine: Engine,
    until: Instant,
}

impl Scripts {
    /// An engine whose scripts see nothing of the machine.
    #[must_use]
    pub fn new() -> Scripts {
        let limits = Limits {
            wall: ONE,
            operations: STEPS,
            memory_bytes: MEMORY,
            string_bytes: STRING,
            ..Limits::default()
        };
        Scripts(Engine::new(Sight::nothing(), limits))
    }

    /// Begins the time of one judgement.
    #[must_use]
    pub fn judging(&self) -> Judging {
        Judging { engine: self.0.clone(), until: Instant::now() + ALL }
    }
}

impl Default for Scripts {
    fn default() -> Scripts {
        Scripts::new()
    }
}

impl Expressions for Judging {
    fn denies(&self, script: &str, seen: &Seen<'_>) -> Result<bool, Reason> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(no_answer("the scripts of all policies together took too long"));
        }
        let wall = ONE.min(left);
        let (tell, told) = sync_channel(1);
        let bounds = Bounds { wall, output_bytes: 1, value_bytes: 8, read_only: true };
        let stop = Stop::default();
        session(&self.engine, seen).start(
            script.into(),
            bounds,
            stop.clone(),
            |_| (),
            // Nobody waits any more after the time.
            move |_, answer| drop(tell.try_send(answer)),
        );
        match told.recv_timeout(wall + GRACE) {
            Ok(Ok(value)) if value.text == "true" => Ok(true),
            Ok(Ok(value)) if value.text == "false" => Ok(false),
            Ok(Ok(_)) => Err(no_answer("its script must give true or false")),
            Ok(Err(fault)) => Err(no_answer(&words(&fault))),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                stop.stop();
                Err(no_answer("its script does not end"))
            }
        }
    }
}

fn session(engine: &Engine, seen: &Seen<'_>) -> Session {
    let mut session = Session::new(engine.clone());
    session.give("expression", Given::Text(seen.expression.to_owned()));
    session.give("mode", Given::Text(seen.mode.to_string()));
    session.give("user", Given::Text(seen.user.to_owned()));
    session.give("labels", Given::Lists(lists(seen.labels)));
    session
}

fn lists(labels: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<(String, Vec<String>)> {
    let list = |(key, values): (&&str, &BTreeSet<&str>)| {
        ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    };
    labels.iter().map(list).collect()
}

/// A fault without what the script threw: that may repeat the expression.
fn words(fault: &Fault) -> String {
    match fault {
        Fault::Threw { line: Some(line), .. } => format!("its script threw on line {line}"),
        Fault::Threw { .. } => "its script threw".to_owned(),
        Fault::Unreadable { line, column, .. } => {
            format!("its script cannot be read at line {line}, column {column}")
        }
        other => other.to_string(),
    }
}

fn no_answer(why: &str) -> Reason {
    Reason::new(format!("the rule cannot be judged, and so it denies: {why}"))
}
