//! What one replica said and was not told yet.

use std::collections::VecDeque;

use bytes::Bytes;
use prepl_core::{Outcome, Stream};

use super::output::Printed;
use super::slot::Slot;

/// One replica's part of a run, in order.
#[derive(Debug, Default)]
pub struct Track {
    said: VecDeque<Said>,
    slots: usize,
    inputs: u32,
    ended: Option<Outcome>,
}

#[derive(Debug)]
enum Said {
    Printed(Stream, Bytes),
    Slot(Slot),
}

impl Track {
    /// It printed something.
    pub fn print(&mut self, stream: Stream, bytes: Bytes) {
        self.said.push_back(Said::Printed(stream, bytes));
    }

    /// It came to the end of a form.
    pub fn push(&mut self, slot: Slot) {
        self.slots += 1;
        self.said.push_back(Said::Slot(slot));
    }

    /// It asks for input; gives how often it did.
    pub fn asks(&mut self) -> u32 {
        self.inputs = self.inputs.saturating_add(1);
        self.inputs
    }

    /// It ended; what it says afterwards is none of this run.
    pub fn end(&mut self, outcome: Outcome) {
        self.ended.get_or_insert(outcome);
    }

    /// How it ended.
    pub fn ended(&self) -> Option<&Outcome> {
        self.ended.as_ref()
    }

    /// Whether a form is there that was not told.
    pub fn has_slot(&self) -> bool {
        self.slots > 0
    }

    /// The first form, and what was printed before it.
    pub fn take_slot(&mut self) -> Option<(Printed, Slot)> {
        if !self.has_slot() {
            return None;
        }
        let mut printed = Vec::new();
        while let Some(said) = self.said.pop_front() {
            match said {
                Said::Printed(stream, bytes) => printed.push((stream, bytes)),
                Said::Slot(slot) => {
                    self.slots -= 1;
                    return Some((printed, slot));
                }
            }
        }
        None
    }

    /// All that was printed.
    pub fn take_printed(&mut self) -> Printed {
        let mut printed = Vec::new();
        self.said.retain_mut(|said| match said {
            Said::Printed(stream, bytes) => {
                printed.push((*stream, std::mem::take(bytes)));
                false
            }
            Said::Slot(_) => true,
        });
        printed
    }
}
