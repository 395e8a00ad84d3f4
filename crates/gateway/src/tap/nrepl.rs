//! nREPL: one message a segment, and which of them may evaluate something.

use std::collections::BTreeMap;

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value};

use super::{Asides, MAX_HELD, Said, Segment, Unreadable};

/// Memory of an unfinished message: many small values take more of it than their text.
const MAX_MEMORY: usize = 4 * MAX_HELD;

/// Ops of an editor that look and complete as one types. They evaluate nothing that stands in them.
const ASIDES: [&str; 9] = [
    "clone",
    "complete",
    "complete-doc",
    "completions",
    "describe",
    "eldoc",
    "info",
    "lookup",
    "ls-sessions",
];
/// How an editor's own middleware writes the same ops.
const PREFIX: &str = "cider/";
/// What stands in those messages. With any other key they are told: some name a function to call.
const ASIDE_KEYS: [&[u8]; 13] = [
    b"class",
    b"client-name",
    b"client-version",
    b"context",
    b"enhanced-cljs-completion?",
    b"id",
    b"member",
    b"ns",
    b"op",
    b"prefix",
    b"session",
    b"sym",
    b"symbol",
];

/// One message, as far as it is told.
#[derive(PartialEq, Eq)]
pub struct Message {
    /// What it asks for; empty when it does not say.
    pub op: String,
    /// The session.
    pub session: Option<String>,
    /// The namespace that it is evaluated in.
    pub namespace: Option<String>,
    /// The file that the code is from.
    pub file: Option<String>,
    /// The code, or input for what runs.
    pub code: Option<Vec<u8>>,
}

/// The message that is not whole yet, and what was not told since the last one that was.
pub(super) struct Messages {
    decoder: Decoder,
    held: BytesMut,
    /// The end of `held` that the decoder has not taken.
    unread: BytesMut,
    asides: Asides,
}

impl Default for Messages {
    fn default() -> Messages {
        let (held, unread) = (BytesMut::new(), BytesMut::new());
        Messages { decoder: Decoder::new(MAX_HELD), held, unread, asides: Asides::new() }
    }
}

impl Messages {
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        segments: &mut Vec<Segment>,
    ) -> Result<(), Unreadable> {
        self.held.extend_from_slice(bytes);
        self.unread.extend_from_slice(bytes);
        while let Some(value) = self.decoder.decode(&mut self.unread).map_err(|_| Unreadable)? {
            segments.push(self.whole(value));
        }
        if self.decoder.held() > MAX_MEMORY { Err(Unreadable) } else { Ok(()) }
    }

    /// What is half a message, or what only asides are left to tell of.
    pub(super) fn rest(&mut self) -> Option<Segment> {
        let (bytes, asides) = (self.held.split().freeze(), std::mem::take(&mut self.asides));
        match (bytes.is_empty(), asides.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Segment::told(bytes, Said::Nothing, asides)),
            (false, _) => Some(Segment::raw(bytes, asides)),
        }
    }

    fn whole(&mut self, value: Value) -> Segment {
        let bytes = self.held.split_to(self.held.len() - self.unread.len()).freeze();
        let Value::Dict(entries) = value else {
            return Segment::raw(bytes, std::mem::take(&mut self.asides));
        };
        if let Some(op) = aside(&entries) {
            *self.asides.entry(op).or_default() += 1;
            return Segment { bytes, told: None };
        }
        let message = Said::Message(Message::of(entries));
        Segment::told(bytes, message, std::mem::take(&mut self.asides))
    }
}

/// The op of a message that evaluates nothing.
fn aside(entries: &BTreeMap<Vec<u8>, Value>) -> Option<&'static str> {
    let op = entries.get(b"op".as_slice())?.as_str()?;
    let op = op.strip_prefix(PREFIX).unwrap_or(op);
    let known = ASIDES.into_iter().find(|aside| *aside == op)?;
    entries.keys().all(|key| ASIDE_KEYS.contains(&key.as_slice())).then_some(known)
}

impl Message {
    fn of(mut entries: BTreeMap<Vec<u8>, Value>) -> Message {
        let mut take = |key: &str| match entries.remove(key.as_bytes()) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        let op = take("op").map(text).unwrap_or_default();
        let (session, namespace) = (take("session").map(text), take("ns").map(text));
        let (file, code) = match &*op {
            "load-file" => (take("file-path").or_else(|| take("file-name")), take("file")),
            "stdin" => (None, take("stdin")),
            _ => (take("file"), take("code")),
        };
        Message { op, session, namespace, file: file.map(text), code }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[path = "nrepl/tests.rs"]
mod tests;
