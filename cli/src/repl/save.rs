//! `:save`: the last answers as a JSON document that their owner alone can read.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::problem::Problem;
use crate::state;

/// Where a place is: a path has a slash or a dot, all else is a name in the user's own folder.
pub fn path(place: &str) -> Result<PathBuf, Problem> {
    if place.contains(['/', '.']) {
        return Ok(PathBuf::from(place));
    }
    let folder = state::folder().ok_or_else(|| {
        Problem::failed("there is no folder to keep it in")
            .hint("set HOME or XDG_STATE_HOME, or name a file: :save ./answers.json")
    })?;
    let folder = folder.join("saved");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|error| unsaved(&folder, &error))?;
    Ok(folder.join(place).with_extension("json"))
}

/// Writes a new file; one that is there already is left alone.
pub fn save(path: &Path, document: &str) -> Result<(), Problem> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(document.as_bytes()));
    written.map_err(|error| unsaved(path, &error))
}

fn unsaved(path: &Path, error: &io::Error) -> Problem {
    let problem = Problem::failed(format!("cannot write {}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::AlreadyExists => problem.hint("nothing is overwritten; choose another name"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&format!("{}/a.json", folder.path().display())).unwrap();
        save(&path, "{}").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let problem = save(&path, "[]").unwrap_err();
        assert_eq!(problem.hint.unwrap(), "nothing is overwritten; choose another name");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}");
    }

    #[test]
    fn a_path_has_a_slash_or_a_dot() {
        for place in ["./a", "a.json", "/tmp/a"] {
            assert_eq!(path(place).unwrap(), Path::new(place));
        }
    }
}
