//! The log as its users see it: a record in, a receipt out.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use prepl_core::Digest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::chain::Tail;
use crate::disk::{Disk, Folder};
use crate::error::{AuditError, OpenError};
use crate::moment::{Clock, Moment};
use crate::record::event::Closed;
use crate::record::{Entry, Record};
use crate::settings::Settings;
use crate::writer::Writer;

/// Bytes of records that may wait for the disk; who comes later waits for room.
///
/// Four of the largest records, or 65,536 small ones.
const WAITING_BYTES: usize = 64 << 20;
/// What one place of the waiting room is.
const UNIT: usize = 1 << 10;

/// Proof that a record is durable. Only this crate makes one, and only once the disk has it.
///
/// Whoever does what the record tells takes the receipt by value; it cannot be copied:
///
/// ```compile_fail,E0599
/// fn twice(receipt: prepl_audit::Receipt<prepl_audit::Intent>) {
///     drop(receipt.clone());
/// }
/// ```
///
/// nor made by anybody else:
///
/// ```compile_fail,E0451
/// fn forged(record: prepl_audit::Intent, place: prepl_audit::Tail) {
///     drop(prepl_audit::Receipt { record, place });
/// }
/// ```
#[derive(Debug)]
#[must_use = "what was recorded as about to happen should happen, or be recorded as not happened"]
pub struct Receipt<T> {
    record: T,
    place: Tail,
}

impl<T> Receipt<T> {
    /// What was recorded.
    pub fn record(&self) -> &T {
        &self.record
    }

    /// Number of the record in its chain.
    pub fn seq(&self) -> u64 {
        self.place.seq
    }

    /// Hash of the record, which stands for it and all before it.
    pub fn hash(&self) -> Digest {
        self.place.hash
    }

    /// What was recorded; the proof is used up.
    pub fn into_record(self) -> T {
        self.record
    }
}

/// An audit log that is open for appending; one program at a time writes to its folder.
///
/// Share it in an [`Arc`]. What was not closed when it is dropped is no longer told as closed.
#[derive(Debug)]
pub struct Log {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    tail: watch::Receiver<Option<Tail>>,
    written: Arc<Written>,
}

/// What a log has written since it was opened.
#[derive(Debug, Default)]
pub struct Written {
    records: AtomicU64,
    syncs: AtomicU64,
}

impl Written {
    /// Records that are durable.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Times that it waited for the disk to have what came together.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    fn batch(&self, records: usize) {
        self.records.fetch_add(records as u64, Ordering::Relaxed);
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }
}

enum Job {
    Append { entry: Entry, room: OwnedSemaphorePermit, reply: Reply },
    Close { reply: oneshot::Sender<Result<(), AuditError>> },
}

type Reply = oneshot::Sender<Result<Tail, AuditError>>;

impl Log {
    /// Takes up the log in a folder, or begins one there.
    ///
    /// A folder on a full disk opens too: appending fails until there is room.
    pub async fn open(folder: &Path, settings: Settings) -> Result<Log, OpenError> {
        let folder = folder.to_owned();
        Log::start(move || Folder::lock(&folder), settings, Arc::new(Moment::now)).await
    }

    /// The same over another disk and clock, which is for tests.
    pub async fn open_on<D: Disk>(
        disk: D,
        settings: Settings,
        clock: Clock,
    ) -> Result<Log, OpenError> {
        Log::start(move || Ok(disk), settings, clock).await
    }

    async fn start<D: Disk>(
        disk: impl FnOnce() -> Result<D, OpenError> + Send + 'static,
        settings: Settings,
        clock: Clock,
    ) -> Result<Log, OpenError> {
        let (jobs, queue) = mpsc::channel();
        let (told, tail) = watch::channel(None);
        let (ready, opened) = oneshot::channel();
        let written = Arc::new(Written::default());
        let counted = Arc::clone(&written);
        let work = move || match disk().and_then(|disk| Writer::open(disk, settings, clock)) {
            Ok(writer) => {
                told.send_replace(writer.tail());
                if ready.send(Ok(())).is_ok() {
                    serve(writer, &queue, &told, &counted);
                }
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        };
        // A thread and not a task: it waits for the disk most of its life.
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(work).map_err(OpenError::NoThread)?;
        opened.await.map_err(|_| OpenError::NoThread(std::io::Error::other("it ended")))??;
        Ok(Log { jobs, room: Arc::new(Semaphore::new(WAITING_BYTES / UNIT)), tail, written })
    }

    /// Appends a record; it is durable when there is a receipt, and not in the log on an error.
    ///
    /// Who stops waiting may leave a record behind of which nobody has a receipt.
    pub async fn append<T: Record>(&self, record: T) -> Result<Receipt<T>, AuditError> {
        let entry = Entry::of(&record)?;
        let units = u32::try_from(entry.bytes().div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(units).await;
        let room = room.map_err(|_| AuditError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.send(Job::Append { entry, room, reply });
        sent.map_err(|_| AuditError::Closed)?;
        let place = answer.await.map_err(|_| AuditError::Closed)??;
        Ok(Receipt { record, place })
    }

    /// Follows the end of the chain as it becomes durable; `None` before the first record.
    #[must_use]
    pub fn tail(&self) -> watch::Receiver<Option<Tail>> {
        self.tail.clone()
    }

    /// Counts what it writes.
    #[must_use]
    pub fn written(&self) -> Arc<Written> {
        Arc::clone(&self.written)
    }

    /// Records that the log is closed, and lets its folder go; what comes later is refused.
    pub async fn close(&self) -> Result<(), AuditError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Close { reply }).map_err(|_| AuditError::Closed)?;
        answer.await.map_err(|_| AuditError::Closed)?
    }
}

/// Serves one batch after the other until the log is closed or dropped.
///
/// A batch is what came while the disk was busy with the one before: when it is idle, nobody waits
/// for company, and when it is busy, all who came share one sync.
fn serve<D: Disk>(
    mut writer: Writer<D>,
    queue: &mpsc::Receiver<Job>,
    told: &watch::Sender<Option<Tail>>,
    written: &Written,
) {
    let mut health = Health::default();
    // That the log was opened is told at once when the disk can, and with the next record else.
    let _ = health.seen(writer.commit(&[]));
    told.send_replace(writer.tail());
    while let Ok(first) = queue.recv() {
        let (batch, closing) = gather(first, queue);
        let entries: Vec<&Entry> = batch.iter().map(|(entry, ..)| entry).collect();
        if !entries.is_empty() {
            let places = health.seen(writer.commit(&entries));
            told.send_replace(writer.tail());
            if let Ok(places) = &places {
                written.batch(places.len());
            }
            answer(batch, places);
        }
        if let Some(reply) = closing {
            let closed = Entry::of(&Closed {}).and_then(|closed| writer.commit(&[&closed]));
            told.send_replace(writer.tail());
            // Whoever waits may open the folder again, so it is let go before.
            drop(writer);
            let _ = reply.send(closed.map(|_| ()));
            return;
        }
    }
}

type Waiting = (Entry, OwnedSemaphorePermit, Reply);

/// All that waits now, up to a wish to close; the waiting room bounds it.
fn gather(
    first: Job,
    queue: &mpsc::Receiver<Job>,
) -> (Vec<Waiting>, Option<oneshot::Sender<Result<(), AuditError>>>) {
    let mut batch = Vec::new();
    for job in std::iter::once(first).chain(queue.try_iter()) {
        match job {
            Job::Append { entry, room, reply } => batch.push((entry, room, reply)),
            Job::Close { reply } => return (batch, Some(reply)),
        }
    }
    (batch, None)
}

fn answer(batch: Vec<Waiting>, places: Result<Vec<Tail>, AuditError>) {
    match places {
        Ok(places) => {
            for ((_, _, reply), place) in batch.into_iter().zip(places) {
                // Who stopped waiting has no receipt.
                let _ = reply.send(Ok(place));
            }
        }
        Err(error) => {
            for (_, _, reply) in batch {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

/// Tells when the disk begins to fail and when it is well again, and not each time between.
#[derive(Default)]
struct Health {
    failing: bool,
}

impl Health {
    fn seen<T>(&mut self, result: Result<T, AuditError>) -> Result<T, AuditError> {
        match &result {
            Ok(_) if self.failing => tracing::info!("the audit log is written again"),
            Err(error) if !self.failing => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(%error, cause, "no audit log");
            }
            _ => {}
        }
        self.failing = result.is_err();
        result
    }
}
