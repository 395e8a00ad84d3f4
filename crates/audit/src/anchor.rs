//! Keeps signing the end of a log and storing that elsewhere.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::chain::Tail;
use crate::checkpoint::{Checkpoint, SignedCheckpoint, SigningKey};
use crate::disk::{Disk, Folder};
use crate::error::{Broken, OpenError};
use crate::file::Durable;
use crate::lines::{Lines, Next};
use crate::moment::Clock;

/// Longest line of a file of checkpoints, in bytes; ours have about 350.
pub(crate) const MAX_CHECKPOINT_BYTES: usize = 1 << 10;
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// How often a checkpoint is made: what comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// After so many records.
    pub records: NonZeroU64,
    /// After so long, when there is a new record.
    pub time: Duration,
}

impl Default for Cadence {
    /// 100 records or 30 seconds.
    fn default() -> Cadence {
        // A constant that is zero does not compile.
        let records = const { NonZeroU64::new(100).unwrap() };
        Cadence { records, time: Duration::from_secs(30) }
    }
}

/// A checkpoint could not be signed or stored; a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnchored(pub String);

/// Signs checkpoints; the key may be somewhere else.
pub trait Signer: Send {
    /// Signs one.
    fn sign(
        &mut self,
        checkpoint: Checkpoint,
    ) -> impl Future<Output = Result<SignedCheckpoint, NotAnchored>> + Send;
}

/// Stores signed checkpoints where the log's writer cannot take them back.
pub trait Anchor: Send {
    /// Stores one, so that it is durable.
    fn store(
        &mut self,
        signed: &SignedCheckpoint,
    ) -> impl Future<Output = Result<(), NotAnchored>> + Send;
}

impl Signer for SigningKey {
    async fn sign(&mut self, checkpoint: Checkpoint) -> Result<SignedCheckpoint, NotAnchored> {
        Ok(SigningKey::sign(self, checkpoint))
    }
}

/// Makes checkpoints of a log's end until the log ends; the last one is of its last record.
///
/// A failure is told and tried again: the log does not wait for its anchor.
pub async fn keep_anchored(
    mut tail: watch::Receiver<Option<Tail>>,
    cadence: Cadence,
    clock: Clock,
    mut signer: impl Signer,
    mut anchor: impl Anchor,
) {
    let mut stored: Option<Tail> = None;
    let mut next = Instant::now() + cadence.time;
    let mut failing = false;
    let mut ended = false;
    while !ended {
        let woken = timeout_at(next, tail.changed()).await;
        ended = matches!(woken, Ok(Err(_)));
        let now = *tail.borrow_and_update();
        let fresh = fresh(stored, now);
        let due = ended || woken.is_err() || (!failing && fresh >= cadence.records.get());
        let Some(now) = now.filter(|_| due && fresh > 0) else {
            if woken.is_err() {
                next = Instant::now() + cadence.time;
            }
            continue;
        };
        let done = anchor_one(Checkpoint::of(now, clock()), &mut signer, &mut anchor).await;
        if let Err(error) = &done {
            tracing::warn!(%error, "the end of the audit log is not anchored");
        }
        failing = done.is_err();
        stored = if failing { stored } else { Some(now) };
        next = Instant::now() + if failing { RETRY } else { cadence.time };
    }
}

async fn anchor_one(
    checkpoint: Checkpoint,
    signer: &mut impl Signer,
    anchor: &mut impl Anchor,
) -> Result<(), NotAnchored> {
    let signed = signer.sign(checkpoint).await?;
    anchor.store(&signed).await
}

/// Records that no checkpoint knows yet.
fn fresh(stored: Option<Tail>, now: Option<Tail>) -> u64 {
    let records = |tail: Option<Tail>| tail.map_or(0, |tail| tail.seq + 1);
    records(now).saturating_sub(records(stored))
}

/// A file of checkpoints, one a line, in a folder that is not the log's.
pub struct FileAnchor<D: Disk>(Arc<Mutex<Opened<D>>>);

struct Opened<D: Disk> {
    disk: D,
    file: Durable<D::File>,
}

/// Name of the file that a [`FileAnchor`] writes.
pub const CHECKPOINTS: &str = "checkpoints.jsonl";

impl FileAnchor<Folder> {
    /// Takes up the file of checkpoints in a folder, or begins it.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        FileAnchor::open_on(Folder::lock(folder)?)
    }
}

impl<D: Disk> FileAnchor<D> {
    /// The same over another disk, which is for tests.
    pub fn open_on(disk: D) -> Result<Self, OpenError> {
        let file = take_up(&disk).map_err(OpenError::Unreadable)?;
        Ok(FileAnchor(Arc::new(Mutex::new(Opened { disk, file }))))
    }
}

/// The file with the bytes of it that are whole lines; an incomplete one will be cut.
fn take_up<D: Disk>(disk: &D) -> io::Result<Durable<D::File>> {
    disk.create(CHECKPOINTS)?;
    disk.sync_folder()?;
    let mut lines = Lines::new(disk.read(CHECKPOINTS)?, MAX_CHECKPOINT_BYTES);
    let mut whole = 0;
    loop {
        match lines.next()? {
            Next::Line(line) => whole += line.len() as u64 + 1,
            Next::Torn(_) | Next::End => return Ok(Durable::found(CHECKPOINTS.to_owned(), whole)),
            Next::TooLong => return Err(io::Error::other("a line is no checkpoint")),
        }
    }
}

impl<D: Disk> Anchor for FileAnchor<D> {
    async fn store(&mut self, signed: &SignedCheckpoint) -> Result<(), NotAnchored> {
        let mut line = serde_json::to_string(signed).map_err(not_written)?;
        line.push('\n');
        let opened = Arc::clone(&self.0);
        let work = tokio::task::spawn_blocking(move || {
            // A panic inside leaves the file to be opened again: nothing is half done.
            let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
            let Opened { disk, file } = &mut *opened;
            file.append(disk, line.as_bytes())
        });
        work.await.map_err(not_written)?.map_err(|broken| match broken {
            Broken::Io(error) => not_written(error),
            Broken::Changed => not_written("somebody else changed it"),
        })
    }
}

fn not_written(cause: impl Display) -> NotAnchored {
    NotAnchored(format!("cannot write {CHECKPOINTS} ({cause}); look at its disk"))
}
