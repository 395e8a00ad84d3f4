//! The state machine of an upgraded socket REPL.

use std::collections::VecDeque;
use std::sync::LazyLock;

use bytes::BytesMut;
use prepl_core::InterruptStrength;

use super::codec::{self, Hello, MAX_LINE, Message};
use super::running::{Running, late};
use crate::driver::{Ask, Conversation, Garbage, Runtime, Step, Unreadable, WITHIN};

/// The program that takes the connection over, and in it the one that evaluates within a function.
static UPGRADE: LazyLock<String> =
    LazyLock::new(|| include_str!("upgrade.clj").replace("PREPL-WITHIN", WITHIN.trim_end()));

/// Most bytes before the first line of the upgrade: prompts, a banner, warnings of the compiler.
const MAX_GREETING: usize = MAX_LINE;

/// One connection to a socket REPL, and one session on it.
#[derive(Debug)]
pub struct Clojure {
    state: State,
    /// Id of the evaluation sent last; ids count from 1.
    last: u64,
}

#[derive(Debug)]
enum State {
    /// The upgrade was sent; so many bytes that are not its first line came back.
    Greeting(usize),
    Idle,
    Evaluating(Running),
}

impl Clojure {
    /// A conversation that has not begun.
    pub fn new() -> Clojure {
        Clojure { state: State::Greeting(0), last: 0 }
    }

    /// Skips what stands before the first line of the upgrade.
    fn greet(&mut self, line: &[u8], before: usize) -> Option<Step> {
        let hello = codec::hello(line);
        self.state = match hello {
            Some(_) => State::Idle,
            None => State::Greeting(before + line.len() + 1),
        };
        hello.as_ref().map(runtime).map(Step::Opened)
    }

    fn hear(&mut self, message: Message, steps: &mut VecDeque<Step>) -> Result<(), Garbage> {
        let Message { id, tells } = message;
        match &mut self.state {
            State::Evaluating(running) if id == self.last => {
                if running.hear(tells, steps)?.is_break() {
                    self.state = State::Idle;
                }
            }
            _ if (1..=self.last).contains(&id) => steps.push_back(late(&tells)?),
            _ => return Err(Garbage("an evaluation that was never sent answers".into())),
        }
        Ok(())
    }
}

impl Default for Clojure {
    fn default() -> Self {
        Clojure::new()
    }
}

impl Conversation for Clojure {
    fn open(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(UPGRADE.as_bytes());
    }

    fn evaluates_within(&self) -> bool {
        true
    }

    fn evaluate(&mut self, ask: &Ask, out: &mut BytesMut) -> Result<(), Unreadable> {
        if let Some(flaw) = prepl_reader::flaw(ask.expression.as_str()) {
            return Err(Unreadable::of(flaw, &ask.origin));
        }
        self.last += 1;
        self.state = State::Evaluating(Running::new(ask));
        codec::evaluate(self.last, ask, out);
        Ok(())
    }

    fn input(&mut self, line: &[u8], out: &mut BytesMut) {
        if let State::Evaluating(_) = self.state {
            codec::input(self.last, line, out);
        }
    }

    fn interrupt(&mut self, out: &mut BytesMut) {
        if let State::Evaluating(_) = self.state {
            codec::interrupt(self.last, out);
        }
    }

    fn close(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(codec::QUIT);
    }

    fn held(&self) -> usize {
        match &self.state {
            State::Evaluating(running) => running.held(),
            State::Greeting(_) | State::Idle => 0,
        }
    }

    fn receive(
        &mut self,
        input: &mut BytesMut,
        _out: &mut BytesMut,
        steps: &mut VecDeque<Step>,
    ) -> Result<(), Garbage> {
        while let Some(line) = codec::take_line(input)? {
            match self.state {
                State::Greeting(before) if before > MAX_GREETING => return Err(stranger()),
                State::Greeting(before) => steps.extend(self.greet(&line, before)),
                State::Idle | State::Evaluating(_) => self.hear(codec::message(&line)?, steps)?,
            }
        }
        Ok(())
    }
}

fn runtime(hello: &Hello) -> Runtime {
    Runtime {
        language: "clojure".into(),
        version: format!("{} on Java {}", hello.clojure, hello.java).into(),
        interrupt: InterruptStrength::Cooperative,
    }
}

fn stranger() -> Garbage {
    Garbage("it sent much, and nothing that a Clojure socket REPL sends".into())
}
