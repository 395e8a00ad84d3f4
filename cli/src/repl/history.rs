//! The history of a fleet, in the user's own folder: what was typed stands there in clear.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use prepl_core::Digest;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History as _};
use rustyline::{Config, Result};

use crate::state;

/// Texts that are kept.
pub const MAX_ENTRIES: usize = 1000;
/// A longer text is not kept.
const MAX_ENTRY: usize = 64 << 10;
/// A larger file is not read, and made anew.
const MAX_FILE: u64 = 16 << 20;

/// Where the history of a fleet lies; `None` for a user without a home.
pub fn place(fleet: &str) -> Option<PathBuf> {
    Some(state::folder()?.join("history").join(Digest::of(fleet).to_string()))
}

/// Reads a history; one that cannot be read is empty.
pub fn read(config: &Config, place: Option<&Path>) -> FileHistory {
    let mut history = FileHistory::with_config(config);
    let Some(place) = place else { return history };
    let readable = std::fs::metadata(place).is_ok_and(|file| file.len() <= MAX_FILE);
    if readable && history.load(place).is_err() {
        history = FileHistory::with_config(config);
    }
    history
}

/// Keeps a text, unless it begins with a space.
pub fn keep(history: &mut FileHistory, place: Option<&Path>, text: &str) -> Result<()> {
    let wanted = text.len() <= MAX_ENTRY && history.add(text)?;
    let Some(place) = place.filter(|_| wanted) else { return Ok(()) };
    let folder = place.parent().unwrap_or(place);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(ReadlineError::Io)?;
    history.append(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn config() -> Config {
        let config = Config::builder().history_ignore_space(true);
        config.max_history_size(MAX_ENTRIES).unwrap().build()
    }

    #[test]
    fn a_history_is_private_bounded_and_forgets_what_begins_with_a_space() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("history/one");
        let mut history = read(&config(), Some(&place));
        for text in ["(a\n  b)", " secret", "c"] {
            keep(&mut history, Some(&place), text).unwrap();
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(place.parent().unwrap())), (0o600, 0o700));
        let again = read(&config(), Some(&place));
        assert_eq!(again.iter().collect::<Vec<_>>(), ["(a\n  b)", "c"]);
        for number in 0..MAX_ENTRIES + 10 {
            keep(&mut history, Some(&place), &number.to_string()).unwrap();
        }
        assert_eq!(read(&config(), Some(&place)).len(), MAX_ENTRIES);
    }

    #[test]
    fn a_file_that_is_no_history_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("one");
        std::fs::write(&place, [0xff; 10]).unwrap();
        let mut history = read(&config(), Some(&place));
        assert!(history.is_empty());
        keep(&mut history, None, "kept in no file").unwrap();
        assert_eq!(history.len(), 1);
    }

    #[test]
    fn each_fleet_has_its_own() {
        assert_ne!(place("/a/shop"), place("/b/shop"));
    }
}
