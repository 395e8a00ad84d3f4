//! Lines of an upgraded connection, and back.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes, BytesMut};
use prepl_core::{Origin, Raised, Stream};

use crate::driver::{Ask, Garbage};

/// Longest line in bytes.
///
/// The longest is `raised`: 200 + 400 + 4,496 + 40 · 200 = 13,096 characters, three bytes of UTF-8
/// each at most, four thirds of that in base64, which is 52,384; the rest is for spaces and the id.
pub const MAX_LINE: usize = 64 << 10;

/// Most frames of a trace; more are dropped.
const MAX_FRAMES: usize = 40;

/// Every line of ours begins with it; a prompt may stand before the first one.
const MARK: u8 = 0x01;

/// Ends the upgrade, then the REPL below it, and with that the thread in the app.
pub const QUIT: &[u8] = b"Q\n:repl/quit\n";

/// The upgrade has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Version of Clojure.
    pub clojure: Arc<str>,
    /// Version of Java.
    pub java: Arc<str>,
}

/// Something about one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which evaluation.
    pub id: u64,
    /// What about it.
    pub tells: Tells,
}

/// What a line tells about an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tells {
    /// It printed something.
    Output(Stream, Bytes),
    /// A piece of a value; the pieces of one value follow each other.
    Part(Bytes),
    /// All pieces of a value were sent.
    Value {
        /// It was cut at the limit.
        truncated: bool,
    },
    /// A form threw, or the text does not compile.
    Raised(Raised),
    /// It asked for input.
    NeedInput,
    /// Nothing of it ran, for this reason.
    Refused(Arc<str>),
    /// Nothing of it ran, as the function that it was to run within did not call it.
    NotCalled(Arc<str>),
    /// It ended.
    Done(Done),
}

/// The end of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Namespace of the session afterwards.
    pub namespace: Arc<str>,
    /// It threw, or does not compile.
    pub raised: bool,
    /// It was asked to stop, and not all of its forms ran to their end.
    pub interrupted: bool,
    /// Bytes that it printed, also those beyond the limit.
    pub output_bytes: u64,
}

/// Writes the line that evaluates, or that loads a whole file.
///
/// A file begins in the namespace `user`, wherever the session is: nREPL does the same.
pub fn evaluate(id: u64, ask: &Ask, out: &mut BytesMut) {
    let (verb, namespace) = match &ask.origin {
        Origin::File(_) => ("L", Some("user")),
        Origin::Typed | Origin::At { .. } => ("E", ask.namespace.as_deref()),
    };
    let namespace = namespace.map_or("-".to_owned(), |name| STANDARD.encode(name));
    let code = STANDARD.encode(ask.expression.as_str());
    let (value, output) = (ask.value_bytes, ask.output_bytes);
    let more = optional(ask);
    let line = format!("{verb} {id} {value} {output} {namespace} {code}{more}\n");
    out.extend_from_slice(line.as_bytes());
}

/// The words that most evaluations do not need.
fn optional(ask: &Ask) -> String {
    match (ask.function(), ask.origin.place()) {
        (None, None) => String::new(),
        (Some(function), None) => format!(" {function}"),
        (function, Some((file, line, column))) => {
            let function = function.map_or("-".to_owned(), ToString::to_string);
            format!(" {function} {} {line} {column}", STANDARD.encode(file.as_str()))
        }
    }
}

/// Writes the line that gives input; without any, its end.
pub fn input(id: u64, line: &[u8], out: &mut BytesMut) {
    let text = (!line.is_empty()).then(|| format!(" {}", STANDARD.encode(line)));
    out.extend_from_slice(format!("N {id}{}\n", text.unwrap_or_default()).as_bytes());
}

/// Writes the line that interrupts.
pub fn interrupt(id: u64, out: &mut BytesMut) {
    out.extend_from_slice(format!("I {id}\n").as_bytes());
}

/// Takes a whole line, without its end, off the input; `None` asks for more.
pub fn take_line(input: &mut BytesMut) -> Result<Option<BytesMut>, Garbage> {
    let end = input.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
    match end {
        Some(end) => {
            let line = input.split_to(end);
            input.advance(1);
            Ok(Some(line))
        }
        None if input.len() >= MAX_LINE => Err(garbage("a line is too long")),
        None => Ok(None),
    }
}

/// Reads the first line of the upgrade; `None` when this is not it.
pub fn hello(line: &[u8]) -> Option<Hello> {
    let mark = line.iter().position(|byte| *byte == MARK)?;
    let words: Vec<&str> = std::str::from_utf8(line.get(mark + 1..)?).ok()?.split(' ').collect();
    match words[..] {
        ["-", "hello", "1", clojure, java] => {
            Some(Hello { clojure: text(clojure).ok()?, java: text(java).ok()? })
        }
        _ => None,
    }
}

/// Reads a line after the first.
pub fn message(line: &[u8]) -> Result<Message, Garbage> {
    let Some((&MARK, line)) = line.split_first() else {
        return Err(garbage("a line without our mark; the upgrade of the REPL has ended"));
    };
    let line = std::str::from_utf8(line).map_err(|_| garbage("a line is not ASCII"))?;
    let mut words = line.split(' ');
    let id = number(words.next().unwrap_or_default())?;
    let tells = tells(&words.collect::<Vec<&str>>())?;
    Ok(Message { id, tells })
}

fn tells(words: &[&str]) -> Result<Tells, Garbage> {
    Ok(match *words {
        ["out", printed] => Tells::Output(Stream::Out, data(printed)?),
        ["err", printed] => Tells::Output(Stream::Err, data(printed)?),
        ["part", part] => Tells::Part(data(part)?),
        ["value", truncated] => Tells::Value { truncated: flag(truncated)? },
        ["raised", phase, class, message, ref trace @ ..] => Tells::Raised(Raised {
            class: text(class)?,
            message: text(message)?,
            phase: text(phase)?,
            trace: texts(trace.iter().take(MAX_FRAMES))?,
        }),
        ["input"] => Tells::NeedInput,
        ["refused", reason] => Tells::Refused(text(reason)?),
        ["uncalled", reason] => Tells::NotCalled(text(reason)?),
        ["done", namespace, raised, interrupted, output_bytes] => Tells::Done(Done {
            namespace: text(namespace)?,
            raised: flag(raised)?,
            interrupted: flag(interrupted)?,
            output_bytes: number(output_bytes)?,
        }),
        _ => return Err(garbage("a line with an unknown tag or a wrong number of words")),
    })
}

fn data(word: &str) -> Result<Bytes, Garbage> {
    STANDARD.decode(word).map(Bytes::from).map_err(|_| garbage("a word is not base64"))
}

fn text(word: &str) -> Result<Arc<str>, Garbage> {
    let text = String::from_utf8(data(word)?.into()).map_err(|_| garbage("a text is not UTF-8"))?;
    Ok(text.into())
}

fn texts<'a>(words: impl Iterator<Item = &'a &'a str>) -> Result<Vec<Arc<str>>, Garbage> {
    words.map(|word| text(word)).collect()
}

fn number(word: &str) -> Result<u64, Garbage> {
    word.parse().map_err(|_| garbage("a word is not a number"))
}

fn flag(word: &str) -> Result<bool, Garbage> {
    match word {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(garbage("a word is neither 0 nor 1")),
    }
}

fn garbage(what: &str) -> Garbage {
    Garbage(what.into())
}
