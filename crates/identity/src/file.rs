//! Reading and writing files that hold a private key.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes.
///
/// A certificate of ours has about 1 KiB as PEM; this is room for a key and over 200 of them.
pub const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Why a file with a private key was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused to read.
    #[error("cannot read {}; check that the file is there and belongs to this user", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// More than [`MAX_FILE_BYTES`].
    #[error(
        "{} is larger than {MAX_FILE_BYTES} bytes, so it is no bundle; name the right file",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner can read or write the file.
    #[error(
        "{0} holds a private key and its mode is {mode:03o}, so others can reach it; run: chmod 600 {0}",
        path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
    /// Not UTF-8.
    #[error("{} is not text, so it is no PEM file; name the right file", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused to write.
    #[error("cannot write {}; check that the folder is there and has room", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Reads a text that only its owner can read.
pub(crate) fn read_private(path: &Path) -> Result<String, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        // To open a pipe would wait for its writer.
        return Err(unreadable(std::io::Error::other("it is no regular file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    check_mode(path, &file.metadata().map_err(unreadable)?)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.to_owned() })
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt;
    match metadata.permissions().mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(FileError::TooOpen { path: path.to_owned(), mode }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &Metadata) -> Result<(), FileError> {
    Ok(())
}

/// Writes a text so that only its owner can read it; readers see the old one or the new one.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), FileError> {
    replace(path, text).map_err(|source| FileError::Unwritable { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // `tempfile` gives the file the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
