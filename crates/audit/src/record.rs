//! One line of the log: the envelope around what is told, and its hash.

pub mod event;
pub mod given;
pub mod intent;
pub mod outcome;
pub mod said;
pub mod who;

use prepl_core::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{MAX_INTEGER, canonical, write_text};
use crate::chain::{ChainId, Tail};
use crate::error::AuditError;
use crate::moment::Moment;
use crate::text::hex;

/// Version of the form of records.
pub const VERSION: u32 = 1;

/// Largest record in bytes, as a line.
///
/// 10,000 replicas with long names and eight digests each have 10 MiB; an expression of 1 MiB has
/// 6 MiB when each character is escaped. What is larger is refused, and with it what it is about.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// Room in a line for all but the body: names, digests and numbers of fixed size.
const ENVELOPE_BYTES: usize = 512;

/// The hash before the first record.
pub(crate) fn nothing() -> Digest {
    Digest::from_bytes([0; 32])
}

/// Something that can be appended to a log.
pub trait Record: Serialize + sealed::Kind + Send {}

pub(crate) mod sealed {
    /// Keeps the kinds of records to those of this crate.
    pub trait Kind {
        /// How the envelope names it.
        const KIND: &'static str;
    }
}

/// What a line tells, read back.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named as the type that it holds")]
pub enum Body {
    Chain(event::Chain),
    Opened(event::Opened),
    Closed(event::Closed),
    Intent(intent::Intent),
    InputGiven(given::InputGiven),
    Outcome(outcome::Outcomes),
    Denied(event::Denied),
    AttachOpened(event::AttachOpened),
    AttachClosed(event::AttachClosed),
    AttachSaid(said::AttachSaid),
    BreakGlass(event::BreakGlass),
    Approval(event::Approval),
}

/// Kind and canonical body of a record that has no place yet.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    kind: &'static str,
    body: String,
}

impl Entry {
    pub(crate) fn of<T: Serialize + sealed::Kind>(record: &T) -> Result<Entry, AuditError> {
        let value = serde_json::to_value(record).map_err(|_| AuditError::Unrecordable)?;
        let body = canonical(&value).map_err(|_| AuditError::Unrecordable)?;
        match body.len() + ENVELOPE_BYTES > MAX_RECORD_BYTES {
            true => Err(AuditError::TooLarge { bytes: body.len() }),
            false => Ok(Entry { kind: T::KIND, body }),
        }
    }

    /// Bytes that it will have at most as a line.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + ENVELOPE_BYTES
    }

    /// Appends this entry's line after `last`; gives the new end of the chain.
    pub(crate) fn seal(
        &self,
        chain: ChainId,
        last: Option<Tail>,
        time: Moment,
        out: &mut String,
    ) -> Tail {
        let seq = last.map_or(0, |last| last.seq + 1);
        let prev = last.map_or_else(nothing, |last| last.hash);
        let place = Place { chain, kind: self.kind, prev, seq, time };
        let hash = place.write_line(&self.body, out);
        Tail { chain, seq, hash }
    }
}

/// Where a record stands; with the body it makes the line.
struct Place<'a> {
    chain: ChainId,
    kind: &'a str,
    prev: Digest,
    seq: u64,
    time: Moment,
}

impl Place<'_> {
    /// Writes the canonical line: the members are in the order of their names.
    fn write_line(&self, body: &str, out: &mut String) -> Digest {
        let Place { chain, kind, prev, seq, time } = self;
        let head = format!(r#"{{"body":{body},"chain":"{chain}""#);
        let mut rest = String::from(r#","kind":"#);
        // A text is always in the subset.
        let _ = write_text(kind, &mut rest);
        rest += &format!(r#","prev":"{prev}","seq":{seq},"time":"{time}","v":{VERSION}}}"#);
        let hash = Digest::of(&[head.as_str(), &rest].concat());
        out.extend([head.as_str(), r#","hash":""#, &hash.to_string(), "\"", &rest, "\n"]);
        hash
    }
}

/// A line as it was read, its body not yet understood.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    pub(crate) body: Value,
    pub(crate) chain: ChainId,
    #[serde(with = "hex")]
    pub(crate) hash: Digest,
    pub(crate) kind: String,
    #[serde(with = "hex")]
    pub(crate) prev: Digest,
    pub(crate) seq: u64,
    pub(crate) time: Moment,
    pub(crate) v: u32,
}

impl Envelope {
    /// Reads a line without its end; `None` when it is no record of this version.
    pub(crate) fn parse(line: &[u8]) -> Option<Envelope> {
        let read: Option<Envelope> = serde_json::from_slice(line).ok();
        read.filter(|read| read.v == VERSION && read.seq <= MAX_INTEGER)
    }

    /// Whether these are the very bytes that a writer would write, hash included.
    pub(crate) fn is_sealed(&self, line: &[u8]) -> bool {
        let Envelope { chain, kind, prev, seq, time, .. } = self;
        let place = Place { chain: *chain, kind, prev: *prev, seq: *seq, time: *time };
        let Ok(body) = canonical(&self.body) else { return false };
        let mut again = String::with_capacity(line.len() + 1);
        place.write_line(&body, &mut again);
        again.as_bytes().split_last().is_some_and(|(_, again)| again == line)
    }

    pub(crate) fn tail(&self) -> Tail {
        Tail { chain: self.chain, seq: self.seq, hash: self.hash }
    }

    /// What the record tells; `None` when its kind is not known here.
    pub(crate) fn read(self) -> Option<Body> {
        let tagged = serde_json::json!({ "kind": self.kind, "body": self.body });
        serde_json::from_value(tagged).ok()
    }
}
