//! A disk for an audit log that is full from a moment on.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prepl_audit::disk::{Disk, DiskFile, Folder};
use prepl_audit::{Log, Moment, Settings};

pub struct FullDisk {
    folder: std::path::PathBuf,
    full: Arc<AtomicBool>,
}

impl FullDisk {
    /// One that has room yet.
    pub fn in_folder(folder: &Path) -> FullDisk {
        FullDisk { folder: folder.to_owned(), full: Arc::default() }
    }

    /// A log on it.
    pub async fn log(&self) -> Log {
        let disk =
            Filling { disk: Folder::lock(&self.folder).unwrap(), full: Arc::clone(&self.full) };
        Log::open_on(disk, Settings::new("a test"), Arc::new(Moment::now)).await.unwrap()
    }

    /// From now on it takes no byte.
    pub fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }
}

struct Filling {
    disk: Folder,
    full: Arc<AtomicBool>,
}

struct FillingFile {
    file: File,
    full: Arc<AtomicBool>,
}

impl Filling {
    fn file(&self, file: File) -> FillingFile {
        FillingFile { file, full: Arc::clone(&self.full) }
    }
}

impl Disk for Filling {
    type File = FillingFile;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.disk.list()
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.disk.read(name)
    }

    fn open(&self, name: &str) -> io::Result<FillingFile> {
        self.disk.open(name).map(|file| self.file(file))
    }

    fn create(&self, name: &str) -> io::Result<FillingFile> {
        self.disk.create(name).map(|file| self.file(file))
    }

    fn refresh(&self, name: &str) -> io::Result<()> {
        self.disk.refresh(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }
}

impl DiskFile for FillingFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.file.append(bytes),
        }
    }

    fn cut(&mut self, size: u64) -> io::Result<()> {
        self.file.cut(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}
