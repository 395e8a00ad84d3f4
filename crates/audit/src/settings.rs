//! How a log is kept.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

/// When a new file begins, and how many are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A file of so many bytes is followed by a new one; it may be longer by what was appended
    /// together last. The last file is read whole when the log is opened.
    pub max_file_bytes: NonZeroU64,
    /// A file of this age is followed by a new one, with the next record.
    pub max_file_age: Duration,
    /// The oldest files beyond so many are deleted when a new one begins.
    pub keep_files: NonZeroUsize,
    /// The oldest files beyond so many bytes in all are deleted when a new one begins.
    pub keep_bytes: u64,
    /// Which program writes, with its version.
    pub program: String,
}

impl Settings {
    /// 64 MiB or a day in a file, 400 files or 16 GiB in all.
    #[must_use]
    pub fn new(program: &str) -> Settings {
        Settings {
            // A constant that is zero does not compile.
            max_file_bytes: const { NonZeroU64::new(64 << 20).unwrap() },
            max_file_age: Duration::from_secs(24 * 60 * 60),
            keep_files: const { NonZeroUsize::new(400).unwrap() },
            keep_bytes: 16 << 30,
            program: program.to_owned(),
        }
    }
}
