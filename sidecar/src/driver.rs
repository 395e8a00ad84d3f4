//! Drivers: one protocol of a runtime's REPL each.
//!
//! A driver for a byte stream is two sans-IO parts: `driver/<name>/codec.rs` turns bytes into
//! messages and back, and `driver/<name>/conversation.rs` is the state machine [`Conversation`]
//! over them. [`stream`] does the I/O for all of them: deadlines, interrupts and back-pressure are
//! written once. The Rhai driver has no stream: its engine lives in this process.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use prepl_core::read_only::{Function, Keeper};
use prepl_core::{Expression, InterruptStrength, Origin, Raised, Stream};

pub mod clojure;
pub(crate) mod cut;
pub mod nrepl;
pub mod rhai;
pub mod stream;

/// Clojure that calls something once within a function of the app; its head tells how.
const WITHIN: &str = include_str!("driver/within.clj");

/// One evaluation, as a driver sees it.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What to evaluate: one text of one or more forms.
    pub expression: Expression,
    /// Where it stands.
    pub origin: Origin,
    /// Namespace or module to evaluate in; without one, the session's.
    pub namespace: Option<Arc<str>>,
    /// Most bytes of one printed value.
    pub value_bytes: u32,
    /// Most bytes of output; a driver passes it to runtimes that can obey it.
    pub output_bytes: u32,
    /// What is to keep it from writing.
    pub read_only: Option<Keeper>,
}

impl Ask {
    /// The function of the app to evaluate within.
    pub fn function(&self) -> Option<&Function> {
        match &self.read_only {
            Some(Keeper::Function(function)) => Some(function),
            Some(Keeper::Engine) | None => None,
        }
    }
}

/// What a runtime says while it evaluates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It printed something.
    Output(Stream, Bytes),
    /// A form has a value. The place of the form is counted by the receiver.
    Value {
        /// The printed value.
        text: Arc<str>,
        /// It was cut at the limit.
        truncated: bool,
    },
    /// A form threw, or the text does not compile.
    Raised(Raised),
    /// The evaluation waits for input.
    NeedInput,
    /// Something a person should know.
    Notice(Arc<str>),
}

/// One step of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The session is open: evaluations may be sent.
    Opened(Runtime),
    /// The running evaluation says something.
    Said(Said),
    /// An evaluation that has ended printed so many bytes more; they are dropped.
    Late(usize),
    /// The running evaluation ended.
    Ended(End),
    /// The peer took our good-bye: nothing follows.
    Closed,
}

impl Step {
    /// Bytes of its text or output.
    pub fn bytes(&self) -> usize {
        match self {
            Step::Said(Said::Output(_, bytes)) => bytes.len(),
            Step::Said(Said::Value { text, .. } | Said::Notice(text)) => text.len(),
            _ => 0,
        }
    }
}

/// How a runtime says that an evaluation ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// A form threw, or the text does not compile.
    pub raised: bool,
    /// The runtime says that it was interrupted.
    pub interrupted: bool,
    /// It was asked to stop, and the runtime does not tell whether it stopped.
    pub may_still_run: bool,
    /// The runtime refused the text before it ran anything of it.
    pub refused: Option<Refused>,
    /// Namespace of the session afterwards.
    pub namespace: Option<Arc<str>>,
    /// Bytes printed in all, where the runtime itself counts what it does not send.
    pub output_bytes: Option<u64>,
}

/// Why nothing of a text ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The runtime does not take it; the session is as it was.
    Runtime(Arc<str>),
    /// The runtime has forgotten the session.
    Forgotten(Arc<str>),
    /// The function that it was to run within did not call it.
    Function(Arc<str>),
}

impl Refused {
    /// The reason.
    pub fn reason(&self) -> &Arc<str> {
        match self {
            Refused::Runtime(reason) | Refused::Forgotten(reason) | Refused::Function(reason) => {
                reason
            }
        }
    }
}

/// What a runtime tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// `clojure`, `scheme`, …; empty when not told.
    pub language: Arc<str>,
    /// Version in its own words; empty when not told.
    pub version: Arc<str>,
    /// What an interrupt can do.
    pub interrupt: InterruptStrength,
}

/// The runtime cannot read the expression; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub Arc<str>);

impl Unreadable {
    /// Says what is wrong with a text, and which text where it is not the only one.
    fn of(flaw: prepl_reader::Flaw, origin: &Origin) -> Unreadable {
        let words = match origin {
            Origin::Typed => flaw.to_string(),
            Origin::File(file) => format!("{file}: {flaw}"),
            Origin::At { file, line, .. } => format!("{flaw}, of the text at {file}:{line}"),
        };
        Unreadable(words.into())
    }
}

/// The peer does not speak the protocol, or beyond its bounds; the connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Garbage(pub Arc<str>);

/// A REPL protocol as a state machine without I/O; one value is one session on one connection.
///
/// The caller writes what a call put into `out`, in order, before anything else, and never has two
/// evaluations in flight.
pub trait Conversation: Send {
    /// Begins the session; [`Step::Opened`] follows.
    fn open(&mut self, out: &mut BytesMut);

    /// Whether it can evaluate within a function of the app ([`Ask::function`]); known once open.
    fn evaluates_within(&self) -> bool;

    /// Sends an evaluation; its end is one [`Step::Ended`].
    fn evaluate(&mut self, ask: &Ask, out: &mut BytesMut) -> Result<(), Unreadable>;

    /// Answers one [`Said::NeedInput`] of the running evaluation: with a line or a part of one, or
    /// with nothing, which is the end of its input.
    fn input(&mut self, line: &[u8], out: &mut BytesMut);

    /// Asks the runtime to stop the running evaluation; its end still is [`Step::Ended`].
    fn interrupt(&mut self, out: &mut BytesMut);

    /// Says good-bye; [`Step::Closed`] or the end of the connection follows.
    fn close(&mut self, out: &mut BytesMut);

    /// About the bytes of memory that unfinished messages and values use.
    fn held(&self) -> usize;

    /// Takes bytes from the peer: consumes whole messages from `input`, leaves a cut one there.
    ///
    /// Memory stays bounded: a message beyond the protocol's bound is [`Garbage`].
    fn receive(
        &mut self,
        input: &mut BytesMut,
        out: &mut BytesMut,
        steps: &mut VecDeque<Step>,
    ) -> Result<(), Garbage>;
}
