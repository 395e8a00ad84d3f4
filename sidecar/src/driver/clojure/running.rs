//! The evaluation that runs: its pieces put together.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::codec::{Done, Tells};
use crate::driver::cut::whole_characters;
use crate::driver::{Ask, End, Garbage, Refused, Said, Step};

/// What was heard so far of the evaluation that runs.
#[derive(Debug)]
pub(super) struct Running {
    value: Vec<u8>,
    value_limit: usize,
}

impl Running {
    pub(super) fn new(ask: &Ask) -> Running {
        Running { value: Vec::new(), value_limit: ask.value_bytes as usize }
    }

    /// Bytes of the value whose pieces have not all come.
    pub(super) fn held(&self) -> usize {
        self.value.len()
    }

    /// Breaks when the evaluation ended.
    pub(super) fn hear(
        &mut self,
        tells: Tells,
        steps: &mut VecDeque<Step>,
    ) -> Result<ControlFlow<()>, Garbage> {
        match tells {
            Tells::Output(stream, printed) => steps.push_back(said(Said::Output(stream, printed))),
            Tells::Part(part) => self.keep(&part)?,
            Tells::Value { truncated } => steps.push_back(said(self.value(truncated))),
            Tells::Raised(raised) => {
                // The value that could not be printed.
                self.value.clear();
                steps.push_back(said(Said::Raised(raised)));
            }
            Tells::NeedInput => steps.push_back(said(Said::NeedInput)),
            Tells::Refused(reason) => {
                return Ok(refused(Refused::Runtime(reason), steps));
            }
            Tells::NotCalled(reason) => return Ok(refused(Refused::Function(reason), steps)),
            Tells::Done(done) => {
                steps.push_back(Step::Ended(end(done)));
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn keep(&mut self, part: &Bytes) -> Result<(), Garbage> {
        if self.value.len() + part.len() > self.value_limit {
            return Err(Garbage("a value is longer than its limit".into()));
        }
        self.value.extend_from_slice(part);
        Ok(())
    }

    fn value(&mut self, truncated: bool) -> Said {
        let value = std::mem::take(&mut self.value);
        let whole = if truncated { whole_characters(&value) } else { &value };
        Said::Value { text: String::from_utf8_lossy(whole).into(), truncated }
    }
}

fn refused(refused: Refused, steps: &mut VecDeque<Step>) -> ControlFlow<()> {
    steps.push_back(Step::Ended(End { refused: Some(refused), ..End::default() }));
    ControlFlow::Break(())
}

fn said(said: Said) -> Step {
    Step::Said(said)
}

fn end(done: Done) -> End {
    let Done { namespace, raised, interrupted, output_bytes } = done;
    End {
        raised,
        interrupted,
        may_still_run: false,
        refused: None,
        namespace: Some(namespace),
        output_bytes: Some(output_bytes),
    }
}

/// What an evaluation that has ended may still tell: that it printed, or reads.
pub(super) fn late(tells: &Tells) -> Result<Step, Garbage> {
    match tells {
        Tells::Output(_, printed) => Ok(Step::Late(printed.len())),
        // A thread that it left behind reads the end of its input.
        Tells::NeedInput => Ok(Step::Late(0)),
        _ => Err(Garbage("an evaluation goes on after its end".into())),
    }
}
