//! Why there is no receipt, and why there is no log.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::chain::NoRandom;
use crate::finding::Fault;

/// Why a record is not durable: what it is about must not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// No room on the disk.
    #[error(
        "the disk of the audit log is full, so evaluations are refused; make room on it, and they \
         go on by themselves"
    )]
    DiskFull,
    /// The disk takes no writes.
    #[error(
        "the disk of the audit log is read-only, so evaluations are refused; mount it for writing, \
         and they go on by themselves"
    )]
    ReadOnly,
    /// The operating system failed otherwise.
    #[error(
        "the audit log cannot be written, so evaluations are refused; look at its disk and at the \
         rights on its folder, and they go on by themselves"
    )]
    Io(#[source] Arc<io::Error>),
    /// Somebody else wrote to the file, cut it or removed it.
    #[error(
        "{file} of the audit log was changed by somebody else, so evaluations are refused; verify \
         the log, keep a copy, and start again"
    )]
    Changed {
        /// Name of the file.
        file: String,
    },
    /// Larger than [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES).
    #[error(
        "the audit record of this has {bytes} bytes, which is too large, so it is refused; name \
         fewer replicas or a shorter expression"
    )]
    TooLarge {
        /// Bytes that it would have.
        bytes: usize,
    },
    /// It has no canonical form.
    #[error("the audit record of this cannot be written as JSON, so it is refused; report it")]
    Unrecordable,
    /// The log was closed, or its writer is gone.
    #[error("the audit log is closed, so evaluations are refused; start the program again")]
    Closed,
}

/// What went wrong with one file, inside the writer.
#[derive(Debug)]
pub(crate) enum Broken {
    Io(io::Error),
    Changed,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}

impl Broken {
    pub(crate) fn of(self, file: &str) -> AuditError {
        match self {
            Broken::Changed => AuditError::Changed { file: file.to_owned() },
            Broken::Io(error) => error.into(),
        }
    }
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> AuditError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AuditError::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem => AuditError::ReadOnly,
            _ => AuditError::Io(Arc::new(error)),
        }
    }
}

/// Why a log cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or locked.
    #[error(
        "cannot use {} for the audit log; check that it is a folder of this user", folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody else has it.
    #[error(
        "another program writes the audit log in {}; end it, or name another folder",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// What stands there cannot be read.
    #[error("cannot read the audit log; look at its disk and at the rights on its folder")]
    Unreadable(#[source] io::Error),
    /// What stands there is no sound log.
    #[error("the audit log is damaged: {0}; keep a copy, move the folder away, and start again")]
    Damaged(Fault),
    /// A new chain needs a name.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// The writer needs a thread.
    #[error("cannot start the audit log's thread; raise the limit on threads")]
    NoThread(#[source] io::Error),
}
