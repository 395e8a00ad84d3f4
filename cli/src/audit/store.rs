//! Keeps what a gateway tells of its log in a folder, within bounds: a gateway is believed nothing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use prepl_audit::is_file_name;
use prepl_gateway::remote::AuditPart;

use crate::quantity::show_bytes;

/// Most files of one log; a gateway keeps 400.
const MAX_FILES: usize = 4096;

/// One log that is being told.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    max_bytes: u64,
    bytes: u64,
    files: usize,
    current: Option<(String, File)>,
}

/// Why it is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// A file that no log has, or has not there.
    #[error("it names a file that is none of an audit log, or not the next one")]
    Name,
    /// Bytes that belong to no file.
    #[error("it tells bytes before it names their file")]
    Nameless,
    /// More than was allowed.
    #[error(
        "its log has more than {}; allow more with --max-bytes, or ask for less with --since",
        show_bytes(*.0)
    )]
    TooMuch(u64),
    /// More files than a log has.
    #[error("its log has more than {MAX_FILES} files")]
    TooMany,
    /// The disk.
    #[error("it cannot be kept: {0}; look at the disk, or name another one with TMPDIR")]
    Io(#[from] io::Error),
}

impl Store {
    /// Makes the folder, which only its owner can read.
    pub fn in_folder(folder: &Path, max_bytes: u64) -> io::Result<Store> {
        DirBuilder::new().mode(0o700).create(folder)?;
        let folder = folder.to_owned();
        Ok(Store { folder, max_bytes, bytes: 0, files: 0, current: None })
    }

    /// Keeps the next part.
    pub fn keep(&mut self, part: AuditPart) -> Result<(), NotKept> {
        match part {
            AuditPart::File(name) => self.begin(name),
            AuditPart::Data(data) => {
                let (_, file) = self.current.as_mut().ok_or(NotKept::Nameless)?;
                self.bytes += data.len() as u64;
                if self.bytes > self.max_bytes {
                    return Err(NotKept::TooMuch(self.max_bytes));
                }
                Ok(file.write_all(&data)?)
            }
        }
    }

    /// Bytes that were kept.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn begin(&mut self, name: String) -> Result<(), NotKept> {
        let follows = self.current.as_ref().is_none_or(|(last, _)| *last < name);
        if !is_file_name(&name) || !follows {
            return Err(NotKept::Name);
        }
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(NotKept::TooMany);
        }
        let path = self.folder.join(&name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        self.current = Some((name, file));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "audit-00000000000000000000.jsonl";
    const SECOND: &str = "audit-00000000000000000007.jsonl";

    fn store(max_bytes: u64) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(&folder.path().join("log"), max_bytes).unwrap();
        (folder, store)
    }

    fn file(name: &str) -> AuditPart {
        AuditPart::File(name.to_owned())
    }

    fn data(size: usize) -> AuditPart {
        AuditPart::Data(vec![b'x'; size])
    }

    #[test]
    fn files_are_kept_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, mut store) = store(100);
        for part in [file(FIRST), data(10), data(5), file(SECOND), data(1)] {
            store.keep(part).unwrap();
        }
        let path = folder.path().join("log");
        assert_eq!(std::fs::read(path.join(FIRST)).unwrap().len(), 15);
        assert_eq!(std::fs::read(path.join(SECOND)).unwrap(), b"x");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(FIRST))), (0o700, 0o600));
    }

    #[test]
    fn names_that_are_none_of_a_log_are_refused() {
        let dots = format!("../{FIRST}");
        for name in ["", "lock", "../x", "/etc/passwd", &dots, "audit-1.jsonl"] {
            let (folder, mut store) = store(100);
            assert!(matches!(store.keep(file(name)), Err(NotKept::Name)), "{name}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
        }
        let (_folder, mut store) = store(100);
        store.keep(file(SECOND)).unwrap();
        for name in [SECOND, FIRST] {
            assert!(matches!(store.keep(file(name)), Err(NotKept::Name)), "{name}");
        }
    }

    #[test]
    fn endless_bytes_and_files_are_cut() {
        let (_folder, mut store) = store(100);
        assert!(matches!(store.keep(data(1)), Err(NotKept::Nameless)));
        store.keep(file(FIRST)).unwrap();
        store.keep(data(100)).unwrap();
        let much = store.keep(data(1)).unwrap_err();
        assert!(
            much.to_string().contains("more than 100 B; allow more with --max-bytes"),
            "{much}"
        );
        let name = |number: usize| file(&format!("audit-{number:020}.jsonl"));
        let mut names = (1..=MAX_FILES).map(name);
        let refused = names.find_map(|name| store.keep(name).err());
        assert!(matches!(refused, Some(NotKept::TooMany)));
    }
}
