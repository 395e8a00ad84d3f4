//! What comes back from one replica: a stream of events that ends in one [`Done`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::Outcome;

/// One event of an evaluation; `T` is how a value's text is carried.
///
/// From a sidecar `T` is the text; in a merged run it is a digest (see [`crate::report`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T = Arc<str>> {
    /// The runtime was handed the expression.
    Started,
    /// Printed text, as bytes: it may cut a character and may hold anything.
    Output {
        /// Which stream it was printed on.
        stream: Stream,
        /// What was printed.
        bytes: Bytes,
    },
    /// The value of one form.
    Value(Value<T>),
    /// The expression threw or did not compile.
    Raised(Raised),
    /// The expression waits for input. Where the evaluation is not interactive, its end was the
    /// answer; else the next piece is.
    NeedInput,
    /// Something a person should know, in a sentence.
    Notice(Arc<str>),
    /// The end; nothing follows.
    Done(Done),
}

/// A standard stream of the evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The printed value of one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<T = Arc<str>> {
    /// Which form of the text, from 0.
    pub form: u32,
    /// The value as the runtime prints it.
    pub text: T,
    /// The text was cut at the limit.
    pub truncated: bool,
}

/// An exception, as far as the runtime tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Raised {
    /// Class or kind, e.g. `java.lang.ArithmeticException`; empty when not told.
    pub class: Arc<str>,
    /// The message; empty when there is none.
    pub message: Arc<str>,
    /// When it happened: `execution`, `compile-syntax-check`, …; empty when not told.
    pub phase: Arc<str>,
    /// Frames of the trace, innermost first; empty when not told.
    pub trace: Vec<Arc<str>>,
}

/// How an evaluation ended on one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// One of the six classes, with its reason.
    pub outcome: Outcome,
    /// Namespace of the session afterwards.
    pub namespace: Option<Arc<str>>,
    /// Where the time went.
    pub timings: Timings,
    /// Bytes printed in all, also those beyond the limit.
    pub output_bytes: u64,
    /// A kept session was asked for, and this evaluation opened it: what an earlier one left there
    /// is gone.
    pub session_began: bool,
}

impl Done {
    /// An end without an evaluation or without a word of it.
    pub fn without_answer(outcome: Outcome) -> Done {
        Done {
            outcome,
            namespace: None,
            timings: Timings::default(),
            output_bytes: 0,
            session_began: false,
        }
    }
}

/// Where the time of one evaluation went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Gateway: from the start of the wave to a usable connection.
    pub connect: Duration,
    /// Sidecar: from the request to the runtime.
    pub queued: Duration,
    /// Runtime: from the hand-over to the end.
    pub eval: Duration,
    /// Gateway: from the start of the run to the end of this replica.
    pub total: Duration,
}

impl<T> Event<T> {
    /// Bytes of output that it carries.
    pub fn output_bytes(&self) -> usize {
        match self {
            Event::Output { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// The same event with its value's text carried another way.
    pub fn map_text<U>(self, carry: impl FnOnce(T) -> U) -> Event<U> {
        match self {
            Event::Started => Event::Started,
            Event::Output { stream, bytes } => Event::Output { stream, bytes },
            Event::Value(Value { form, text, truncated }) => {
                Event::Value(Value { form, text: carry(text), truncated })
            }
            Event::Raised(raised) => Event::Raised(raised),
            Event::NeedInput => Event::NeedInput,
            Event::Notice(text) => Event::Notice(text),
            Event::Done(done) => Event::Done(done),
        }
    }
}

impl Event {
    /// Bytes of text that it carries: a value, an exception or a notice.
    pub fn text_bytes(&self) -> usize {
        match self {
            Event::Value(value) => value.text.len(),
            Event::Notice(text) => text.len(),
            Event::Raised(Raised { class, message, phase, trace }) => {
                let trace: usize = trace.iter().map(|frame| frame.len()).sum();
                class.len() + message.len() + phase.len() + trace
            }
            Event::Started | Event::Output { .. } | Event::NeedInput | Event::Done(_) => 0,
        }
    }
}
