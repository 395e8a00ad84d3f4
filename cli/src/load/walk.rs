//! The files that are meant: one, all below a folder, or those of namespaces in source paths.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::file::{File, is_clojure, place_of};
use super::words::What;
use crate::problem::Problem;

/// Most files of one load.
pub const MAX_FILES: usize = 1000;
/// Deepest folder below the one that was named.
const MAX_DEPTH: usize = 32;
/// Most entries of folders that are looked at.
const MAX_ENTRIES: usize = 100_000;

/// The files that a word means, in no order.
pub fn files(what: &What, source_paths: &[PathBuf]) -> Result<Vec<File>, Problem> {
    match what {
        What::File(path) => Ok(vec![File::read(path, path)?]),
        What::Folder(folder) => all_below(folder),
        What::Namespace(name) => match of_namespace(name, source_paths)? {
            Some(file) => Ok(vec![file]),
            None => Err(not_found(name, source_paths)),
        },
    }
}

/// Adds what files require and source paths have, and what that requires.
pub fn with_deps(mut files: Vec<File>, source_paths: &[PathBuf]) -> Result<Vec<File>, Problem> {
    let mut at = 0;
    while let Some(file) = files.get(at) {
        for required in file.ns.clone().map(|ns| ns.requires).unwrap_or_default() {
            let is_there = |file: &File| file.ns.as_ref().is_some_and(|ns| ns.name == required);
            if files.iter().any(is_there) {
                continue;
            }
            if let Some(file) = of_namespace(&required, source_paths)? {
                files.push(file);
                few_enough(files.len())?;
            }
        }
        at += 1;
    }
    Ok(files)
}

/// The file of a namespace, as Clojure looks for it: in the first folder that has one, `.clj` first.
fn of_namespace(name: &str, source_paths: &[PathBuf]) -> Result<Option<File>, Problem> {
    let places = source_paths.iter().flat_map(|folder| {
        ["clj", "cljc"].map(|ending| (folder, format!("{}.{ending}", place_of(name))))
    });
    for (folder, place) in places {
        let path = folder.join(&place);
        if path.is_file() {
            return File::read(&path, Path::new(&place)).map(Some);
        }
    }
    Ok(None)
}

fn not_found(name: &str, source_paths: &[PathBuf]) -> Problem {
    let folders: Vec<_> = source_paths.iter().map(|path| path.display().to_string()).collect();
    let place = place_of(name);
    Problem::usage(format!("no {place}.clj or .cljc in {}", folders.join(", "))).hint(
        "name the folders that have your sources with --source-path; prepl load runs where they are",
    )
}

fn all_below(folder: &Path) -> Result<Vec<File>, Problem> {
    let mut walk = Walk::default();
    walk.folder(folder, Path::new(""), 0)?;
    if walk.found.is_empty() {
        let words = format!("no .clj or .cljc file below {}; nothing ran", folder.display());
        return Err(Problem::usage(words));
    }
    walk.found.iter().map(|(shown, path)| File::read(path, shown)).collect()
}

/// A walk through the folders below one. Links are not followed: what they lead to below the folder
/// is found by itself, and what is elsewhere is not meant.
#[derive(Default)]
struct Walk {
    /// Paths by what they are below the folder.
    found: BTreeMap<PathBuf, PathBuf>,
    entries: usize,
}

impl Walk {
    fn folder(&mut self, path: &Path, shown: &Path, depth: usize) -> Result<(), Problem> {
        if depth > MAX_DEPTH {
            let words = format!("{} is more than {MAX_DEPTH} folders deep", path.display());
            return Err(Problem::usage(words).hint("name a folder further down"));
        }
        for entry in fs::read_dir(path).map_err(|error| cannot_read(path, &error))? {
            let entry = entry.map_err(|error| cannot_read(path, &error))?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                let words = format!("more than {MAX_ENTRIES} entries below what was named");
                return Err(Problem::usage(words).hint("name the folder of your sources alone"));
            }
            if !is_hidden(&entry.file_name()) {
                self.entry(&entry, &shown.join(entry.file_name()), depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, shown: &Path, depth: usize) -> Result<(), Problem> {
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| cannot_read(&path, &error))?;
        if kind.is_dir() {
            return self.folder(&path, shown, depth + 1);
        }
        // Clojure takes the one for the JVM where there are both.
        let is_second = path.extension().is_some_and(|ending| ending == "cljc")
            && path.with_extension("clj").is_file();
        if kind.is_file() && is_clojure(&path) && !is_data_readers(shown) && !is_second {
            self.found.insert(shown.to_owned(), path);
            few_enough(self.found.len())?;
        }
        Ok(())
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Clojure reads these as data when it starts; they are no code.
fn is_data_readers(shown: &Path) -> bool {
    shown == Path::new("data_readers.clj") || shown == Path::new("data_readers.cljc")
}

fn few_enough(count: usize) -> Result<(), Problem> {
    match count <= MAX_FILES {
        true => Ok(()),
        false => Err(Problem::usage(format!("more than {MAX_FILES} files; nothing ran"))
            .hint("name a folder or a namespace that has fewer")),
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(files: Result<Vec<File>, Problem>) -> Vec<String> {
        files.unwrap().iter().map(|file| file.name.to_string()).collect()
    }

    fn below(folder: &Path) -> Vec<String> {
        names(files(&What::Folder(folder.to_owned()), &[]))
    }

    #[test]
    fn a_folder_means_the_clojure_files_below_it() {
        let folder = folder(&[
            ("shop/core.clj", "(ns shop.core)"),
            ("shop/both.clj", "(ns shop.both)"),
            ("shop/both.cljc", "(ns shop.both)"),
            ("fix.cljc", "(f)"),
            ("page.cljs", "(f)"),
            ("data_readers.clj", "{a b}"),
            (".hidden/x.clj", "(f)"),
        ]);
        assert_eq!(below(folder.path()), ["fix.cljc", "shop/both.clj", "shop/core.clj"]);
    }

    #[test]
    fn links_are_not_followed() {
        let (inside, outside) = (folder(&[("a/b.clj", "1")]), folder(&[("c.clj", "1")]));
        let link = |to: &Path, name: &str| {
            std::os::unix::fs::symlink(to, inside.path().join(name)).unwrap();
        };
        link(outside.path(), "out");
        link(&outside.path().join("c.clj"), "c.clj");
        link(Path::new("/no/such"), "broken.clj");
        link(inside.path(), "a/circle");
        assert_eq!(below(inside.path()), ["a/b.clj"]);
    }

    #[test]
    fn what_is_too_deep_or_too_much_is_refused() {
        let deep = folder(&[(&format!("{}a.clj", "d/".repeat(MAX_DEPTH + 1)), "1")]);
        let problem = files(&What::Folder(deep.path().to_owned()), &[]).unwrap_err();
        assert!(problem.message.contains("folders deep"), "{problem}");
        let names: Vec<_> = (0..=MAX_FILES).map(|number| format!("f{number}.clj")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let many = folder(&many);
        let problem = files(&What::Folder(many.path().to_owned()), &[]).unwrap_err();
        assert!(problem.message.starts_with("more than 1000 files"), "{problem}");
        let empty = folder(&[]);
        assert!(files(&What::Folder(empty.path().to_owned()), &[]).is_err());
    }

    #[test]
    fn a_namespace_is_looked_for_in_the_source_paths_and_what_it_requires_too() {
        let first =
            folder(&[("shop/core_api.clj", "(ns shop.core-api (:require shop.db [clojure.set]))")]);
        let second = folder(&[
            ("shop/core_api.clj", "(ns shop.core-api)"),
            ("shop/db.cljc", "(ns shop.db (:require shop.pool))"),
            ("shop/pool.clj", "(ns shop.pool (:require shop.core-api))"),
        ]);
        let paths = [first.path().to_owned(), second.path().to_owned()];
        let what = What::Namespace("shop.core-api".into());
        let found = files(&what, &paths).unwrap();
        assert_eq!(found[0].path, first.path().join("shop/core_api.clj"));
        let all = names(with_deps(found, &paths));
        assert_eq!(all, ["shop/core_api.clj", "shop/db.cljc", "shop/pool.clj"]);
        let problem = files(&What::Namespace("shop.none".into()), &paths).unwrap_err();
        assert!(problem.message.starts_with("no shop/none.clj or .cljc in "), "{problem}");
    }
}
