//! What goes up a tunnel, read without touching it.
//!
//! Bytes go in, and the same bytes come out in segments, each with what has to be recorded before
//! it goes on. A message or a line that is not whole is held back until it is, as half of it cannot
//! be recorded. What cannot be read goes on all the same, and so does all that comes after it: from
//! there on nobody can tell where a message begins, so its bytes are counted and digested.

mod lines;
mod nrepl;

use std::collections::BTreeMap;

use bytes::Bytes;

use lines::Lines;
pub use nrepl::Message;
use nrepl::Messages;

/// Bytes that are held back at most; an expression of `prepl exec` has as many.
pub const MAX_HELD: usize = 1 << 20;

/// Reads one direction of one tunnel.
pub struct Tap(Form);

enum Form {
    Nrepl(Box<Messages>),
    Lines(Lines),
    /// It cannot be read, from here to the end.
    Raw,
}

/// Bytes that go on together, as they came.
pub struct Segment {
    /// The bytes; none when there is only something to record.
    pub bytes: Bytes,
    /// What has to be recorded before.
    pub told: Option<Told>,
}

/// What has to be recorded of a segment.
#[derive(PartialEq, Eq)]
pub struct Told {
    /// What its bytes say.
    pub said: Said,
    /// What went on before it and was not told.
    pub asides: Asides,
}

/// How many messages of each op went on that evaluate nothing.
pub type Asides = BTreeMap<&'static str, u64>;

/// What the bytes of a segment say.
#[derive(PartialEq, Eq)]
pub enum Said {
    /// They are lines of text.
    Text,
    /// They are one message of nREPL.
    Message(Message),
    /// That cannot be read.
    Raw,
    /// There are none.
    Nothing,
}

/// No message can be found from here on.
struct Unreadable;

impl Tap {
    /// A tap for the protocol that a sidecar names, `nrepl` or `clojure`; of any other the bytes
    /// alone are told.
    #[must_use]
    pub fn of(driver: &str) -> Tap {
        Tap(match driver {
            "nrepl" => Form::Nrepl(Box::default()),
            "clojure" => Form::Lines(Lines::default()),
            _ => Form::Raw,
        })
    }

    /// Takes bytes; gives what goes on now, in order.
    pub fn push(&mut self, bytes: &Bytes) -> Vec<Segment> {
        let mut segments = Vec::new();
        let read = match &mut self.0 {
            Form::Nrepl(messages) => messages.push(bytes, &mut segments),
            Form::Lines(lines) => lines.push(bytes, &mut segments),
            Form::Raw => {
                segments.push(Segment::raw(bytes.clone(), Asides::new()));
                Ok(())
            }
        };
        if let Err(Unreadable) = read {
            segments.extend(self.rest());
            self.0 = Form::Raw;
        }
        segments
    }

    /// The end; gives what was held back.
    pub fn end(&mut self) -> Option<Segment> {
        self.rest()
    }

    fn rest(&mut self) -> Option<Segment> {
        match &mut self.0 {
            Form::Nrepl(messages) => messages.rest(),
            Form::Lines(lines) => lines.rest(),
            Form::Raw => None,
        }
    }
}

impl Segment {
    fn told(bytes: Bytes, said: Said, asides: Asides) -> Segment {
        Segment { bytes, told: Some(Told { said, asides }) }
    }

    fn raw(bytes: Bytes, asides: Asides) -> Segment {
        Segment::told(bytes, Said::Raw, asides)
    }
}
