//! The gateway's own audit log, told to who may read it: file by file, as it is stored.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prepl_audit::{Moment, files_since};
use prepl_proto::v1;
use prepl_proto::v1::audit_part::Part;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::access::{Accesses, Caller, Refused, Scope};
use super::doorkeeper::Guest;
use super::service::GatewayService;

/// Readers at a time, of all users: each keeps a thread and a file open.
const READERS: usize = 4;
/// Bytes of one message.
const CHUNK: usize = 64 << 10;
/// Messages that may wait for a reader; then the disk waits.
const WAITING: usize = 4;
/// How long a reader may let a message wait before his place is given away.
const STALLED: Duration = Duration::from_secs(60);

/// What goes to the reader.
pub type Told = ReceiverStream<Result<v1::AuditPart, Status>>;
type Messages = mpsc::Sender<Result<v1::AuditPart, Status>>;

/// The files of one log, and places for those who read them.
#[derive(Clone, Debug)]
pub struct AuditFiles {
    folder: Arc<Path>,
    places: Arc<Semaphore>,
}

impl AuditFiles {
    /// The files of the log in this folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> AuditFiles {
        AuditFiles { folder: folder.into(), places: Arc::new(Semaphore::new(READERS)) }
    }

    /// Tells the files that hold something since a moment, up to their end at this time; until
    /// `denied` completes, or the reader leaves.
    pub fn tell(
        &self,
        user: String,
        since: Option<Moment>,
        denied: impl Future<Output = Refused> + Send + 'static,
    ) -> Result<Told, Status> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted("others read this audit log already; ask again later")
        })?;
        let (messages, told) = mpsc::channel(WAITING);
        let (parts, read) = mpsc::channel(1);
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || send_all(&folder, since, &parts, place));
        tokio::spawn(async move {
            let (bytes, cut) = relay(read, messages, denied).await;
            let cut = cut.as_ref().map(Status::message);
            tracing::info!(user, bytes, cut, "audit log read");
        });
        Ok(ReceiverStream::new(told))
    }
}

impl GatewayService {
    /// Tells this gateway's log to the caller, if he may read it.
    pub(super) async fn tell_log(
        &self,
        guest: Guest,
        request: v1::AuditRequest,
    ) -> Result<Told, Status> {
        let caller = self.reader(&guest).await;
        let caller = caller.inspect_err(|refused| self.metrics.refused(refused))?;
        let since = Some(request.since_ms).filter(|since| *since > 0).map(Moment::from_millis);
        let this = self.clone();
        let denied = async move {
            Accesses::until_denied(async || this.reader(&guest).await.map(drop)).await
        };
        self.audit_files.tell(caller.user.username, since, denied)
    }

    /// The caller, if he may read the log now: it tells of all namespaces, so an access of one is
    /// not enough.
    async fn reader(&self, guest: &Guest) -> Result<Caller, Refused> {
        let caller = self.accesses.caller(&guest.holder).await?;
        match &caller.scope {
            Scope::All => self.rights.reads_audit(&caller.user, &caller.access.namespace).await?,
            Scope::Namespace(own) => {
                return Err(Refused::Denied(format!(
                    "the audit log is of all namespaces, and this access is of {own} alone"
                )));
            }
        }
        Ok(caller)
    }
}

/// Carries parts to the reader, until the last, until `denied` completes, or until the reader
/// leaves or stalls; gives the bytes, and the reason of a cut.
async fn relay(
    mut read: mpsc::Receiver<Result<v1::AuditPart, Status>>,
    messages: Messages,
    denied: impl Future<Output = Refused>,
) -> (u64, Option<Status>) {
    let mut bytes = 0;
    let Ok(last_word) = messages.clone().reserve_owned().await else { return (0, Some(left())) };
    let cut = tokio::select! {
        biased;
        cut = carry(&mut read, &messages, &mut bytes) => cut,
        refused = denied => Some(refused.into()),
        () = messages.closed() => Some(left()),
    };
    if let Some(cut) = &cut {
        last_word.send(Err(cut.clone()));
    }
    (bytes, cut)
}

async fn carry(
    read: &mut mpsc::Receiver<Result<v1::AuditPart, Status>>,
    messages: &Messages,
    bytes: &mut u64,
) -> Option<Status> {
    while let Some(part) = read.recv().await {
        match part {
            Ok(part) => {
                *bytes += size(&part);
                match timeout(STALLED, messages.send(Ok(part))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Some(left()),
                    Err(_) => return Some(Status::aborted("nothing was read for a minute")),
                }
            }
            Err(failed) => return Some(failed),
        }
    }
    None
}

fn size(part: &v1::AuditPart) -> u64 {
    match &part.part {
        Some(Part::Data(data)) => data.len() as u64,
        Some(Part::File(_)) | None => 0,
    }
}

fn left() -> Status {
    Status::cancelled("the reader left")
}

/// Waits for the disk and for the reader.
fn send_all(folder: &Path, since: Option<Moment>, parts: &Messages, place: OwnedSemaphorePermit) {
    if let Err(error) = send_files(folder, since, parts) {
        // Nobody waits for it when the reader has left.
        let _ = parts.blocking_send(Err(unread(&error)));
    }
    drop(place);
}

fn send_files(folder: &Path, since: Option<Moment>, parts: &Messages) -> io::Result<()> {
    for name in files_since(folder, since)? {
        let file = File::open(folder.join(&name))?;
        // What is appended from now on is left out: a busy log would never end.
        let mut rest = file.metadata()?.len();
        let mut file = file.take(rest);
        send(parts, Part::File(name))?;
        while rest > 0 {
            let mut data = vec![0; CHUNK.min(usize::try_from(rest).unwrap_or(CHUNK))];
            let read = file.read(&mut data)?;
            if read == 0 {
                break;
            }
            data.truncate(read);
            rest -= read as u64;
            send(parts, Part::Data(data))?;
        }
    }
    Ok(())
}

fn send(parts: &Messages, part: Part) -> io::Result<()> {
    let sent = parts.blocking_send(Ok(v1::AuditPart { part: Some(part) }));
    sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
}

fn unread(error: &io::Error) -> Status {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Status::aborted("old files of the audit log were deleted meanwhile; ask again")
        }
        _ => {
            tracing::warn!(%error, "the audit log cannot be read");
            Status::aborted("the gateway cannot read its audit log; look at its disk")
        }
    }
}
