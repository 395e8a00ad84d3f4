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
/// What stands in those messages. With any other key they are told: some name a function to call,
/// and `context` was once read with `*read-eval*` on.
const ASIDE_KEYS: [&[u8]; 12] = [
    b"class",
    b"client-name",
    b"client-version",
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

/// What stands beside the code and evaluates nothing.
const PLAIN_TEXTS: [&[u8]; 10] = [
    b"file-name",
    b"file-path",
    b"id",
    b"interrupt-id",
    b"nrepl.middleware.caught/print?",
    b"nrepl.middleware.print/stream?",
    b"ns",
    b"op",
    b"session",
    b"verbose?",
];
const PLAIN_NUMBERS: [&[u8]; 4] =
    [b"column", b"line", b"nrepl.middleware.print/buffer-size", b"nrepl.middleware.print/quota"];

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
    /// The code, or input for what runs; the whole message when something else in it may evaluate.
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
        let message = Said::Message(Message::of(entries, &bytes));
        Segment::told(bytes, message, std::mem::take(&mut self.asides))
    }
}

/// The op of a message that evaluates nothing.
fn aside(entries: &BTreeMap<Vec<u8>, Value>) -> Option<&'static str> {
    let op = entries.get(b"op".as_slice())?.as_str()?;
    let op = op.strip_prefix(PREFIX).unwrap_or(op);
    let known = ASIDES.into_iter().find(|aside| *aside == op)?;
    let is_plain = |(key, value): (&Vec<u8>, &Value)| {
        matches!(value, Value::Bytes(_)) && ASIDE_KEYS.contains(&key.as_slice())
    };
    entries.iter().all(is_plain).then_some(known)
}

/// Whether a message holds nothing that may evaluate but what stands under these keys, as text.
///
/// Middleware has keys that name a function to call, and takes code that is no text.
fn is_plain(entries: &BTreeMap<Vec<u8>, Value>, told: &[&str]) -> bool {
    entries.iter().all(|(key, value)| match value {
        Value::Bytes(_) => {
            PLAIN_TEXTS.contains(&key.as_slice()) || told.iter().any(|one| one.as_bytes() == key)
        }
        Value::Int(_) => PLAIN_NUMBERS.contains(&key.as_slice()),
        Value::List(_) | Value::Dict(_) => false,
    })
}

impl Message {
    fn of(mut entries: BTreeMap<Vec<u8>, Value>, bytes: &[u8]) -> Message {
        let op =
            entries.get(b"op".as_slice()).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (code, files): (_, &[&str]) = match &*op {
            "load-file" => ("file", &["file-path", "file-name"]),
            "stdin" => ("stdin", &[]),
            _ => ("code", &["file"]),
        };
        let is_plain = is_plain(&entries, &[files, &[code]].concat());
        let mut take = |key: &str| match entries.remove(key.as_bytes()) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        let (session, namespace) = (take("session").map(text), take("ns").map(text));
        let file = files.iter().find_map(|key| take(key)).map(text);
        let code = if is_plain { take(code) } else { Some(bytes.to_vec()) };
        Message { op, session, namespace, file, code }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[path = "nrepl/tests.rs"]
mod tests;
