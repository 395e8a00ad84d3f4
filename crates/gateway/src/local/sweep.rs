//! Unfinished key files that a killed process left behind.

use std::fs::{self, DirEntry};
use std::path::Path;

/// Removes the unfinished key files of a folder; call it while nobody else writes one.
///
/// What cannot be removed stays: it harms nobody but takes room, and the next sweep tries again.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(is_unfinished) {
        let _ = fs::remove_file(entry.path());
    }
}

/// The names that `tempfile` gives: `.tmp` and six letters or digits.
fn is_unfinished(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let random = name.to_str().and_then(|name| name.strip_prefix(".tmp"));
    let ours = random.is_some_and(|random| {
        random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    ours && entry.file_type().is_ok_and(|kind| kind.is_file())
}
