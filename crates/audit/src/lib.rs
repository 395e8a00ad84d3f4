//! The audit log: nothing happens that is not on disk before, and nothing on disk changes unseen.
//!
//! [`Log::append`] gives a [`Receipt`] once a record is durable. A gateway dispatches on nothing
//! but a `Receipt<Intent>`, taken by value: what was not recorded does not compile (P2). The
//! records are a chain of hashes over files of lines, and [`verify()`] finds the first that was
//! edited, taken out, moved or put in. A cut end shows by a [`Checkpoint`] that somebody else keeps
//! (P8).
//!
//! This crate must not know: Kubernetes, gRPC, certificates, or how runs are planned.
//!
//! # The files
//!
//! A folder holds `audit-NNNNNNNNNNNNNNNNNNNN.jsonl`, where N is the number of the file's first
//! record: names sort as records do. `lock` keeps a second writer away. Each line is one record and
//! ends with a line feed:
//!
//! ```json
//! {"body":{…},"chain":"4f…","hash":"9a…","kind":"intent","prev":"07…","seq":42,"time":"2026-03-01T09:30:00.125Z","v":1}
//! ```
//!
//! | member | is |
//! | --- | --- |
//! | `v` | version of this form: 1 |
//! | `chain` | name of the chain, 32 hexadecimal digits; one folder has one chain |
//! | `seq` | number of the record in its chain, from 0, without gaps over all files |
//! | `time` | when it was written, RFC 3339 in UTC with milliseconds; clocks may go back |
//! | `kind`, `body` | what is told: [`Body`] |
//! | `prev` | `hash` of the record before it; 64 zeros for the first |
//! | `hash` | SHA-256 of this line without its line feed and without the member `hash` |
//!
//! A line is canonical JSON: members sorted by name, no spaces, only texts, integers up to
//! 2^53 - 1, booleans, arrays and objects; texts in UTF-8 with the shortest escapes. That is RFC
//! 8785 for these values, so that any implementation of it gives the same bytes. What is not known
//! is left out; there is no `null`. A line in any other form counts as edited. It has at most
//! [`MAX_RECORD_BYTES`].
//!
//! The first record of each file is of the kind `chain`. It names the file before it with the
//! number and hash of its last record, so that a log whose oldest files are gone verifies from
//! there. A writer that takes the log up tells `opened`, and `closed` when it ends in order.
//!
//! # After a crash
//!
//! Bytes that end without a line feed were never acknowledged; the next writer cuts them, and tells
//! how many in `opened`. Whole records without a receipt may be there; of those with one all are.
//! Anything else that does not verify is [`OpenError::Damaged`].
//!
//! # Reading order
//!
//! `record` what is told, and its line · `redact` what must not be told · `canonical`, `moment`,
//! `chain` how it is written · `disk` the operations on files, `file` one that survives ·
//! `recover`, `writer` the chain on disk, `retain` how long · `log` many at once, and receipts ·
//! `lines`, `continuity`, `walk` reading back, and the `finding` where it is not whole ·
//! `checkpoint`, `anchor` the end, signed and kept elsewhere · `verify`, `export`, `read` what
//! others do with a log · `settings` · `error` · `text` words of core in JSON.

mod anchor;
mod canonical;
mod chain;
mod checkpoint;
mod continuity;
pub mod disk;
mod error;
mod export;
mod file;
mod finding;
mod lines;
mod log;
mod moment;
mod read;
mod record;
mod recover;
mod redact;
mod retain;
mod settings;
mod text;
mod verify;
mod walk;
mod writer;

pub use anchor::{Anchor, CHECKPOINTS, Cadence, FileAnchor, NotAnchored, Signer, keep_anchored};
pub use chain::{BadChainId, ChainId, NoRandom, Tail, is_file_name};
pub use checkpoint::{BadKey, Checkpoint, PublicKey, SignedCheckpoint, SigningKey};
pub use error::{AuditError, OpenError};
pub use export::{Exported, Form, export, export_on};
pub use finding::{Fault, FaultKind};
pub use log::{Log, Receipt, Written};
pub use moment::{BadMoment, Clock, Moment};
pub use read::{Stored, chain_of, files_since, read};
pub use record::event::{
    Approval, AttachClosed, AttachOpened, BreakGlass, Chain, Closed, Denied, Opened, Previous,
    Sentence,
};
pub use record::given::InputGiven;
pub use record::intent::{Asking, Intent, Mode, ReplicaSet, SourceFile, SourcePlace};
pub use record::outcome::{MAX_DIGESTS, Outcomes, ReplicaOutcome};
pub use record::said::{AttachSaid, ReplMessage, Said};
pub use record::who::{AccessRef, AskedPolicy, AskedRight, Decision, Who};
pub use record::{Body, MAX_RECORD_BYTES, Record, VERSION};
pub use redact::{
    Asked, BadRule, MAX_PATTERN_BYTES, MAX_REPLACEMENT_BYTES, MAX_RULES, Redacted, Redactor,
};
pub use settings::Settings;
pub use verify::{Verified, Witness, verify, verify_on};
