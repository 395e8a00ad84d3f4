//! Whether a log is whole, from its first file to its last, in constant memory.

use std::io::{self, Read};
use std::path::Path;

use crate::anchor::MAX_CHECKPOINT_BYTES;
use crate::chain::Tail;
use crate::checkpoint::{PublicKey, SignedCheckpoint};
use crate::disk::{Disk, Folder};
use crate::finding::{Fault, FaultKind};
use crate::lines::{Lines, Next};
use crate::moment::Moment;
use crate::record::event::Previous;
use crate::walk::{Walked, files, walk};

/// What is known of a log after reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many files there are.
    pub files: usize,
    /// Records that are in their place, up to the end or the first fault.
    pub records: u64,
    /// The last of them; `None` when there is none. Before a fault of the kind `Rewritten`, those
    /// after the last checkpoint that agrees may be rewritten too.
    pub intact_to: Option<Tail>,
    /// The end of the file before the first that is there: it and all before it are not there.
    pub missing_before: Option<Previous>,
    /// Bytes after the last whole line: a write that nobody has a receipt for.
    pub torn_bytes: u64,
    /// When the first and the last of them were written.
    pub span: Option<(Moment, Moment)>,
    /// Checkpoints that agree with the log.
    pub checkpoints: u64,
    /// Checkpoints about records before the first that is there: nothing can be compared.
    pub checkpoints_gone: u64,
    /// Number of the record that the last of those that agree is about.
    pub witnessed_to: Option<u64>,
    /// The first fault; without one the log is whole as far as the checkpoints reach.
    pub fault: Option<Fault>,
}

/// Checkpoints, one a line in the order of their records, and the key that signed them.
pub struct Witness<'a> {
    /// The key.
    pub key: PublicKey,
    /// Where the checkpoints come from, to name it in a fault.
    pub name: String,
    /// The lines; an incomplete last one does not count.
    pub lines: Box<dyn Read + 'a>,
}

/// Verifies the log in a folder, against checkpoints when there are some.
///
/// An error is about reading. The log may be written meanwhile.
pub fn verify(folder: &Path, witness: Option<Witness<'_>>) -> io::Result<Verified> {
    verify_on(&Folder::reading(folder), witness)
}

/// The same over another disk, which is for tests.
pub fn verify_on<D: Disk>(disk: &D, witness: Option<Witness<'_>>) -> io::Result<Verified> {
    let files = files(disk)?;
    let mut against = Against::new(witness);
    let mut span = None;
    let walked = walk(disk, &files, |_, read| {
        let agreed = against.compare(read.tail())?;
        if agreed.is_ok() {
            span = Some((span.map_or(read.time, |(first, _)| first), read.time));
        }
        Ok(agreed)
    })?;
    let Walked { follower, records, last, torn_bytes, file, line, fault, .. } = walked;
    let own = against.fault.take();
    let end = || Fault { file, line: line + 1, kind: FaultKind::Spliced };
    let fault = match own.or(fault) {
        Some(fault) => Some(fault),
        None => against.after_the_end(last, end)?,
    };
    Ok(Verified {
        files: files.len(),
        records,
        intact_to: last,
        missing_before: follower.missing_before().cloned(),
        torn_bytes,
        span,
        checkpoints: against.agreed,
        checkpoints_gone: against.gone,
        witnessed_to: against.agreed_to,
        fault,
    })
}

/// Checkpoints beside the log: the next one is known, those before it were compared.
#[derive(Default)]
struct Against<'a> {
    source: Option<Source<'a>>,
    next: Option<SignedCheckpoint>,
    started: bool,
    line: u64,
    agreed: u64,
    gone: u64,
    agreed_to: Option<u64>,
    /// A fault of a checkpoint, which is not in the log's own files.
    fault: Option<Fault>,
}

struct Source<'a> {
    key: PublicKey,
    name: String,
    lines: Lines<Box<dyn Read + 'a>>,
}

impl<'a> Against<'a> {
    fn new(witness: Option<Witness<'a>>) -> Against<'a> {
        let source = witness.map(|Witness { key, name, lines }| {
            let lines = Lines::new(lines, MAX_CHECKPOINT_BYTES);
            Source { key, name, lines }
        });
        Against { source, ..Against::default() }
    }

    /// Compares all checkpoints up to this record; an error ends the walk.
    fn compare(&mut self, place: Tail) -> io::Result<Result<(), FaultKind>> {
        self.start()?;
        while let Some(next) = self.next.take_if(|next| next.checkpoint.seq <= place.seq) {
            let told = next.checkpoint;
            if told.chain != place.chain {
                self.blame(FaultKind::Spliced);
            } else if told.seq == place.seq && told.hash != place.hash {
                return Ok(Err(FaultKind::Rewritten));
            } else {
                // Records follow each other, so this is before the first of them.
                match told.seq < place.seq {
                    true => self.gone += 1,
                    false => (self.agreed, self.agreed_to) = (self.agreed + 1, Some(told.seq)),
                }
                self.advance(Some(told.seq))?;
            }
        }
        Ok(self.fault.as_ref().map_or(Ok(()), |fault| Err(fault.kind.clone())))
    }

    /// A checkpoint that is left knows a record after the end, or another chain.
    fn after_the_end(
        &mut self,
        last: Option<Tail>,
        end: impl FnOnce() -> Fault,
    ) -> io::Result<Option<Fault>> {
        self.start()?;
        if let Some(SignedCheckpoint { checkpoint, .. }) = &self.next {
            if last.is_none_or(|last| last.chain == checkpoint.chain) {
                return Ok(Some(Fault {
                    kind: FaultKind::CutTail { seq: checkpoint.seq },
                    ..end()
                }));
            }
            self.blame(FaultKind::Spliced);
        }
        Ok(self.fault.take())
    }

    fn start(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.started, true) {
            true => Ok(()),
            false => self.advance(None),
        }
    }

    /// Reads the next checkpoint, which must be signed and not be about an earlier record.
    fn advance(&mut self, last: Option<u64>) -> io::Result<()> {
        let Some(Source { key, lines, .. }) = &mut self.source else { return Ok(()) };
        self.line += 1;
        let read: Option<SignedCheckpoint> = match lines.next()? {
            Next::Line(line) => serde_json::from_slice(line).ok(),
            Next::TooLong => None,
            Next::Torn(_) | Next::End => return Ok(()),
        };
        match read {
            Some(read) if !key.signed(&read) => self.blame(FaultKind::BadSignature),
            Some(read) if last <= Some(read.checkpoint.seq) => self.next = Some(read),
            Some(_) | None => self.blame(FaultKind::BadCheckpoint),
        }
        Ok(())
    }

    fn blame(&mut self, kind: FaultKind) {
        let file = self.source.as_ref().map(|source| source.name.clone()).unwrap_or_default();
        self.fault = Some(Fault { file, line: self.line, kind });
    }
}
