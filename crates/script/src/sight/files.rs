//! Regular files below the allowed folders.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{Array, Dynamic, INT, Map};

use super::Seen;

/// A larger file is refused: 1 MiB.
const FILE_BYTES: u64 = 1 << 20;
/// More entries of a folder than this are left out.
const ENTRIES: usize = 1000;

pub(super) fn register(rhai: &mut rhai::Engine, roots: Vec<PathBuf>) {
    let roots = Arc::new(Roots(roots));
    let by_read = Arc::clone(&roots);
    rhai.register_fn("read_file", move |path: &str| by_read.read_file(path));
    let by_list = Arc::clone(&roots);
    rhai.register_fn("list_dir", move |path: &str| by_list.list_dir(path));
    rhai.register_fn("file_exists", move |path: &str| roots.find(path).is_ok());
}

#[derive(Debug)]
struct Roots(Vec<PathBuf>);

impl Roots {
    fn read_file(&self, path: &str) -> Seen<String> {
        let file = self.open(path)?;
        let mut bytes = Vec::new();
        let read = file.take(FILE_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("{path}: {error}"))?;
        if bytes.len() as u64 > FILE_BYTES {
            return Err(format!("{path} is larger than {FILE_BYTES} bytes").into());
        }
        String::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8 text").into())
    }

    fn list_dir(&self, path: &str) -> Seen<Array> {
        let entries = fs::read_dir(self.find(path)?).map_err(|error| format!("{path}: {error}"))?;
        let mut list: Vec<_> = entries.filter_map(Result::ok).take(ENTRIES).collect();
        list.sort_by_key(fs::DirEntry::file_name);
        Ok(list.iter().filter_map(describe).map(Dynamic::from_map).collect())
    }

    /// Opens a regular file; the path may change under us, so the open file is asked.
    fn open(&self, path: &str) -> Seen<File> {
        let found = self.find(path)?;
        let refuse = |error: std::io::Error| format!("{path}: {error}");
        let irregular = || format!("{path} is not a regular file");
        // Opening a device may already do something, and a pipe would wait.
        if !fs::symlink_metadata(&found).map_err(refuse)?.is_file() {
            return Err(irregular().into());
        }
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file =
            OpenOptions::new().read(true).custom_flags(flags).open(&found).map_err(refuse)?;
        let opened = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
        if !self.allow(&opened.map_err(refuse)?) || !file.metadata().map_err(refuse)?.is_file() {
            return Err(irregular().into());
        }
        Ok(file)
    }

    /// Returns the path without links, if it is below an allowed folder.
    ///
    /// What lies outside and what is not there get one answer, so that a script
    /// cannot feel its way about the disk.
    fn find(&self, path: &str) -> Seen<PathBuf> {
        if self.0.is_empty() {
            return Err("no folder is open to scripts".into());
        }
        fs::canonicalize(path)
            .ok()
            .filter(|found| self.allow(found))
            .ok_or_else(|| format!("{path} is not below a folder that is open to scripts").into())
    }

    fn allow(&self, found: &Path) -> bool {
        self.0.iter().filter_map(|root| fs::canonicalize(root).ok()).any(|r| found.starts_with(r))
    }
}

fn describe(entry: &fs::DirEntry) -> Option<Map> {
    // Of a link this describes the link, never what it points to.
    let about = entry.metadata().ok()?;
    let kind = match about.file_type() {
        kind if kind.is_dir() => "dir",
        kind if kind.is_file() => "file",
        kind if kind.is_symlink() => "link",
        _ => "other",
    };
    Some(Map::from([
        ("name".into(), entry.file_name().to_string_lossy().into_owned().into()),
        ("kind".into(), kind.into()),
        ("size".into(), INT::try_from(about.len()).unwrap_or(INT::MAX).into()),
    ]))
}
