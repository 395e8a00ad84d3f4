//! The audit log of a local fleet: `audit/N` in its folder, and the signed ends of it elsewhere.
//!
//! Each user has a gateway of his own, in his process, and a log has one writer. So each process
//! takes the first of the logs 0, 1, 2, … that no other one writes just now.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prepl_audit::{
    AuditError, Cadence, FileAnchor, Log, Moment, OpenError, Settings, SigningKey, keep_anchored,
};
use prepl_core::Digest;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::record::Recorder;

/// The folder of the logs in the fleet's.
pub const FOLDER: &str = "audit";
/// The private key that signs the ends of logs, in the folder of a fleet's anchors.
pub const KEY: &str = "key";
/// Processes of one fleet that may record at the same time.
const LOGS: usize = 64;
/// The last file is read when a log is taken up, which must not be felt.
// A constant that is zero does not compile.
const FILE_BYTES: NonZeroU64 = NonZeroU64::new(4 << 20).unwrap();
/// All files of one log.
const KEEP_BYTES: u64 = 1 << 30;
/// How long the end may take: a disk that hangs must not keep the user.
const CLOSING: Duration = Duration::from_secs(5);

/// An open log of a local fleet.
#[derive(Debug)]
pub struct Records {
    recorder: Recorder,
    anchoring: Result<JoinHandle<()>, NotAnchored>,
}

/// Why the end of a log is not kept outside of it.
#[derive(Debug, thiserror::Error)]
pub enum NotAnchored {
    /// Nobody said where.
    #[error("there is no folder for it; set HOME or XDG_STATE_HOME")]
    Nowhere,
    /// The file of checkpoints.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file of the key.
    #[error("its key cannot be kept: {0}")]
    Io(#[from] io::Error),
    /// What is in it.
    #[error(transparent)]
    Key(#[from] prepl_audit::BadKey),
    /// A new key.
    #[error(transparent)]
    NoRandom(#[from] prepl_audit::NoRandom),
}

impl Records {
    /// Takes up a log in the fleet's folder; its ends are kept in `anchors`, if they can be.
    pub async fn open(fleet: &Path, anchors: Option<&Path>) -> Result<Records, OpenError> {
        let (log, number) = open(&fleet.join(FOLDER)).await?;
        let anchors = anchors.ok_or(NotAnchored::Nowhere);
        let anchoring = anchors.and_then(|anchors| anchor(&log, anchors, number));
        Ok(Records { recorder: Recorder::new(log), anchoring })
    }

    /// Writes to it.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Why the end of the log is not kept outside of it, if so.
    #[must_use]
    pub fn not_anchored(&self) -> Option<&NotAnchored> {
        self.anchoring.as_ref().err()
    }

    /// Waits for the outcomes of all runs, closes the log, and keeps its end.
    pub async fn close(self) -> Result<(), AuditError> {
        let Records { recorder, anchoring } = self;
        let closed = timeout(CLOSING, recorder.close()).await;
        if let Ok(anchoring) = anchoring {
            let _ = timeout(CLOSING, anchoring).await;
        }
        closed.unwrap_or(Err(AuditError::Closed))
    }
}

/// Where the anchors of the fleet in this folder are, below the user's folder of anchors.
pub fn anchors(state: &Path, fleet: &Path) -> io::Result<PathBuf> {
    let fleet = fs::canonicalize(fleet)?;
    let digest = Digest::of(&fleet.to_string_lossy()).to_string();
    Ok(state.join(digest.get(..16).unwrap_or(&digest)))
}

/// The first log that nobody else writes.
async fn open(folder: &Path) -> Result<(Log, usize), OpenError> {
    let mut number = 0;
    loop {
        let own = folder.join(number.to_string());
        let settings = Settings {
            max_file_bytes: FILE_BYTES,
            keep_bytes: KEEP_BYTES,
            ..Settings::new(concat!("prepl ", env!("CARGO_PKG_VERSION")))
        };
        match Log::open(&own, settings).await {
            Err(OpenError::InUse { .. }) if number + 1 < LOGS => number += 1,
            opened => return Ok((opened?, number)),
        }
    }
}

fn anchor(log: &Log, anchors: &Path, number: usize) -> Result<JoinHandle<()>, NotAnchored> {
    let key = key(anchors)?;
    let anchor = FileAnchor::open(&anchors.join(number.to_string()))?;
    let kept = keep_anchored(log.tail(), Cadence::default(), Arc::new(Moment::now), key, anchor);
    Ok(tokio::spawn(kept))
}

/// The user's key for this fleet's logs; made when there is none.
fn key(anchors: &Path) -> Result<SigningKey, NotAnchored> {
    DirBuilder::new().recursive(true).mode(0o700).create(anchors)?;
    let path = anchors.join(KEY);
    if !path.exists() {
        write_once(&path, &SigningKey::generate_pkcs8()?)?;
    }
    Ok(SigningKey::from_pkcs8(&fs::read(&path)?)?)
}

/// Whoever comes first writes it, whole or not at all.
fn write_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension(std::process::id().to_string());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
