//! What the running evaluation may still use.
//!
//! Rhai gives its hooks and our functions no context, so the turn lives in a
//! thread-local of the script thread, as long as the evaluation runs on it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, INT, Position};

use crate::bounded::cut;
use crate::memory::resident_bytes;
use crate::{Bounds, Stop};

/// How often the clock is asked: one step of the engine is some 100 ns.
const CLOCK_EVERY: u64 = 64;
/// How often the process's memory is asked: it costs some microseconds, and each
/// step between may take one more string.
const MEMORY_EVERY: u64 = 128;

thread_local! {
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// What an evaluation says before it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// One `print` or `debug`, without a line end.
    Printed(String),
    /// The limit of output is reached: what is printed from here on is left out.
    Cut,
}

/// Why an evaluation was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    TimedOut,
    Stopped,
    OutOfMemory,
}

impl End {
    const ALL: [Self; 3] = [Self::TimedOut, Self::Stopped, Self::OutOfMemory];

    /// The token that travels through Rhai.
    fn token(self) -> Dynamic {
        Dynamic::from_int(self as INT)
    }

    pub(crate) fn from_token(token: &Dynamic) -> Option<Self> {
        let token = token.as_int().ok()?;
        Self::ALL.into_iter().find(|end| *end as INT == token)
    }
}

impl From<End> for Box<EvalAltResult> {
    fn from(end: End) -> Self {
        Box::new(EvalAltResult::ErrorTerminated(end.token(), Position::NONE))
    }
}

/// Hears what a script says.
pub(crate) type Listener = Box<dyn FnMut(Said) + Send>;

pub(crate) struct Turn {
    deadline: Instant,
    stop: Stop,
    listener: Listener,
    output_left: usize,
    output_cut: bool,
    memory_ceiling: u64,
    read_only: bool,
}

impl Turn {
    pub(crate) fn new(
        deadline: Instant,
        bounds: &Bounds,
        memory_bytes: u64,
        stop: Stop,
        listener: Listener,
    ) -> Self {
        Self {
            deadline,
            stop,
            listener,
            output_left: bounds.output_bytes,
            output_cut: false,
            memory_ceiling: resident_bytes().saturating_add(memory_bytes),
            read_only: bounds.read_only,
        }
    }

    /// Makes this the turn of the current thread while `work` runs, which must not panic.
    pub(crate) fn during<T>(self, work: impl FnOnce() -> T) -> T {
        TURN.set(Some(self));
        let done = work();
        drop(TURN.take());
        done
    }

    fn time_left(&self) -> Result<Duration, End> {
        if self.stop.is_stopped() {
            return Err(End::Stopped);
        }
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(End::TimedOut),
            left => Ok(left),
        }
    }

    fn say(&mut self, text: &str) {
        if self.output_cut {
            return;
        }
        // The line end counts, lest empty lines have no end.
        if text.len() < self.output_left {
            self.output_left -= text.len() + 1;
            return (self.listener)(Said::Printed(text.to_owned()));
        }
        self.output_cut = true;
        let fits = cut(text, self.output_left.saturating_sub(1));
        if !fits.is_empty() {
            (self.listener)(Said::Printed(fits.to_owned()));
        }
        (self.listener)(Said::Cut);
    }
}

/// Returns the time the evaluation has left, or why it must end.
pub(crate) fn time_left() -> Result<Duration, End> {
    TURN.with_borrow(|turn| turn.as_ref().map_or(Err(End::Stopped), Turn::time_left))
}

/// Whether the evaluation may touch nothing that could change by it.
pub(crate) fn is_read_only() -> bool {
    TURN.with_borrow(|turn| turn.as_ref().is_none_or(|turn| turn.read_only))
}

/// Returns the token that ends the evaluation, when it must end.
pub(crate) fn progress(operations: u64) -> Option<Dynamic> {
    if !operations.is_multiple_of(CLOCK_EVERY) {
        return None;
    }
    if operations.is_multiple_of(MEMORY_EVERY) && out_of_memory() {
        return Some(End::OutOfMemory.token());
    }
    time_left().err().map(End::token)
}

fn out_of_memory() -> bool {
    let ceiling = TURN.with_borrow(|turn| turn.as_ref().map_or(0, |turn| turn.memory_ceiling));
    resident_bytes() > ceiling
}

/// Hands `text` to the listener, as much as the limit of output allows.
pub(crate) fn say(text: &str) {
    TURN.with_borrow_mut(|turn| {
        if let Some(turn) = turn {
            turn.say(text);
        }
    });
}
