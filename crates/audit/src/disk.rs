//! The few operations on files that the log needs; tests put a failing disk in their place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// One folder of files.
pub trait Disk: Send + 'static {
    /// A file that is open for appending.
    type File: DiskFile;

    /// Names and sizes of all files, in any order.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// A file's bytes from its beginning.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;
    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Opens a file and makes it when it is not there.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Writes a file's own bytes over themselves and makes them durable.
    ///
    /// A program before this one may have ended after a failed sync. Its bytes are read back from
    /// memory then, and no sync writes them: the kernel calls them clean.
    fn refresh(&self, name: &str) -> io::Result<()>;
    /// Takes a file out of the folder.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes durable which files there are.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file that is open for appending.
pub trait DiskFile: Send + 'static {
    /// Its size; an error of the kind `NotFound` when its name was taken away.
    fn size(&self) -> io::Result<u64>;
    /// Appends some of the bytes and tells how many.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts it to this size.
    fn cut(&mut self, size: u64) -> io::Result<()>;
    /// Makes its bytes and its size durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder of the operating system's.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held, not read: the lock ends with it.
    _lock: Option<File>,
}

const LOCK: &str = "lock";

impl Folder {
    /// Makes the folder if need be, and keeps others from writing to it.
    pub fn lock(path: &Path) -> Result<Folder, OpenError> {
        let refused = |source| OpenError::Folder { folder: path.to_owned(), source };
        private_folder(path).map_err(refused)?;
        let lock = private().create(true).append(true).open(path.join(LOCK)).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }

    /// A folder that is only read.
    pub(crate) fn reading(path: &Path) -> Folder {
        Folder { path: path.to_owned(), _lock: None }
    }
}

impl Disk for Folder {
    type File = File;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            // Our names are ASCII; what is not text is not ours.
            if let Ok(name) = entry.file_name().into_string() {
                found.push((name, entry.metadata()?.len()));
            }
        }
        Ok(found)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.path.join(name))?))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        private().append(true).open(self.path.join(name))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        private().create(true).append(true).open(self.path.join(name))
    }

    fn refresh(&self, name: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        let mut bytes = vec![0; 256 << 10];
        loop {
            let at = file.stream_position()?;
            match file.read(&mut bytes)? {
                0 => return file.sync_all(),
                read => {
                    file.seek(SeekFrom::Start(at))?;
                    file.write_all(bytes.get(..read).unwrap_or_default())?;
                }
            }
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        let metadata = self.metadata()?;
        match has_a_name(&metadata) {
            true => Ok(metadata.len()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn cut(&mut self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The size is among what is needed to read the bytes back, so it is written too.
        self.sync_data()
    }
}

#[cfg(unix)]
fn has_a_name(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 0
}

#[cfg(not(unix))]
fn has_a_name(_: &std::fs::Metadata) -> bool {
    true
}

/// Files that only their owner can read: expressions stand in them.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
