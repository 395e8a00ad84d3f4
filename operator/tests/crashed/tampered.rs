//! P8: whoever changes a log that a crash left is found by the checkpoints of its end.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::Path;

use prepl_audit::{
    Checkpoint, FaultKind, Log, Moment, PublicKey, Settings, SignedCheckpoint, SigningKey, Tail,
    Verified, Witness, is_file_name, verify,
};
use serde_json::Value;
use tempfile::TempDir;

use super::histories::whole;

/// Names and lines of a log's files.
pub type Files = Vec<(String, Vec<String>)>;

/// Tries each kind of change on a copy of the log; `other` is the log of another gateway.
pub async fn every_change_is_found(log: &Path, other: &Path) {
    add_files(log).await;
    let sealed = Sealed::of(log);
    assert_eq!(sealed.verify(&sealed.files).fault, None);
    sealed.edits();
    sealed.cuts();
    sealed.swaps();
    sealed.splices(&read(other));
}

/// A gateway's log is one file until that is large.
async fn add_files(log: &Path) {
    let mut settings = Settings::new("prepl-test 0");
    settings.max_file_bytes = NonZeroU64::MIN;
    Log::open(log, settings).await.unwrap().close().await.unwrap();
    assert!(read(log).len() >= 3);
}

/// A log and a checkpoint of its end.
struct Sealed {
    files: Files,
    key: PublicKey,
    end: SignedCheckpoint,
}

impl Sealed {
    fn of(log: &Path) -> Sealed {
        let tail: Tail = whole(log).intact_to.unwrap();
        let key = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
        let end = key.sign(Checkpoint::of(tail, Moment::now()));
        Sealed { files: read(log), key: key.public(), end }
    }

    fn verify(&self, files: &Files) -> Verified {
        let folder = written(files);
        let line = serde_json::to_string(&self.end).unwrap() + "\n";
        let lines = Box::new(std::io::Cursor::new(line));
        let witness = Witness { key: self.key, name: "checkpoints".to_owned(), lines };
        verify(folder.path(), Some(witness)).unwrap()
    }

    fn found(&self, files: &Files, what: &str) -> FaultKind {
        let fault = self.verify(files).fault;
        fault.unwrap_or_else(|| panic!("{what} is not found")).kind
    }

    /// A byte of one record of each kind.
    fn edits(&self) {
        let mut kinds = BTreeSet::new();
        for (file, line) in self.places() {
            let mut files = self.files.clone();
            let text = &mut files[file].1[line];
            if kinds.insert(kind(text)) {
                let middle = text.len() / 2;
                let edited = if text.as_bytes()[middle] == b'0' { "1" } else { "0" };
                text.replace_range(middle..=middle, edited);
                self.found(&files, &format!("an edit of {}", kind(&self.files[file].1[line])));
            }
        }
        assert!(kinds.contains("chain") && kinds.contains("intent"), "{kinds:?}");
    }

    /// The last line, half of it, each record but the first few, and whole files.
    fn cuts(&self) {
        let seq = self.end.checkpoint.seq;
        for (file, line) in self.places() {
            let mut files = self.files.clone();
            files.truncate(file + 1);
            files[file].1.truncate(line);
            files.retain(|(_, lines)| !lines.is_empty());
            let kind = self.found(&files, "a cut end");
            assert_eq!(kind, FaultKind::CutTail { seq }, "an older state is an end that was cut");
        }
        for file in 1..self.files.len() {
            let mut files = self.files.clone();
            files.remove(file);
            self.found(&files, "a file that was taken out");
        }
    }

    fn swaps(&self) {
        for (file, line) in self.places() {
            let mut files = self.files.clone();
            if line > 0 {
                files[file].1.swap(line - 1, line);
                let kind = self.found(&files, "two lines in the wrong order");
                assert!(line == 1 || kind == FaultKind::Reordered, "{kind:?}");
            }
        }
    }

    fn splices(&self, other: &Files) {
        let others: Vec<&String> = other.iter().flat_map(|(_, lines)| lines).collect();
        for ((file, line), foreign) in self.places().zip(others).skip(1) {
            let mut files = self.files.clone();
            files[file].1[line].clone_from(foreign);
            assert_eq!(self.found(&files, "a foreign line"), FaultKind::Spliced);
        }
        assert_eq!(self.found(other, "another log"), FaultKind::Spliced);
    }

    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let lines = self.files.iter().enumerate();
        lines.flat_map(|(file, (_, lines))| (0..lines.len()).map(move |line| (file, line)))
    }
}

fn kind(line: &str) -> String {
    let record: Value = serde_json::from_str(line).unwrap();
    record["kind"].as_str().unwrap().to_owned()
}

/// Reads a log, oldest file first.
pub fn read(log: &Path) -> Files {
    let names = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| is_file_name(name));
    names.sort();
    let lines = |name: &String| {
        let text = std::fs::read_to_string(log.join(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    names.into_iter().map(|name| (name.clone(), lines(&name))).collect()
}

fn written(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, lines) in files {
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}
