//! Where templates are looked for, and which there are.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::template::{self, MAX_BYTES, Template, Templates};
use crate::problem::Problem;

/// The file beside a fleet's own, and in the user's folder.
const FILE: &str = "queries.toml";
/// Names that are told where one is not known.
const MAX_TOLD: usize = 10;

/// The files, the first that has a name wins.
#[derive(Clone, Debug)]
pub struct Places {
    /// What the command line names: it must be there.
    named: Option<PathBuf>,
    /// What may be there.
    usual: Vec<PathBuf>,
}

impl Places {
    /// `named`, the file in a fleet's folder, and `queries.toml` in the user's folder.
    pub fn new(named: Option<&Path>, fleet: Option<&Path>, own: Option<&Path>) -> Places {
        let usual = [fleet, own].into_iter().flatten().map(|folder| folder.join(FILE));
        Places { named: named.map(Path::to_owned), usual: usual.collect() }
    }

    /// The template of this name; a file that cannot be used is an error.
    pub fn find(&self, name: &str) -> Result<Template, Problem> {
        if !template::is_name(name) {
            return Err(Problem::usage(format!("{name:?} names no template"))
                .hint("the first argument is a template's name; prepl query --list shows them"));
        }
        let mut all = self.all()?;
        let found = all.remove(name).map(|(_, template)| template);
        found.ok_or_else(|| self.unknown(name, all.keys()))
    }

    /// All templates by name, with the file of each.
    pub fn all(&self) -> Result<BTreeMap<String, (PathBuf, Template)>, Problem> {
        let mut all = BTreeMap::new();
        for (path, templates) in self.read()? {
            for (name, template) in templates {
                all.entry(name).or_insert((path.clone(), template));
            }
        }
        Ok(all)
    }

    fn read(&self) -> Result<Vec<(PathBuf, Templates)>, Problem> {
        let named = self.named.iter().map(|path| read(path).map(Some));
        let usual = self.usual.iter().map(|path| match path.exists() {
            true => read(path).map(Some),
            false => Ok(None),
        });
        named.chain(usual).filter_map(Result::transpose).collect()
    }

    fn unknown<'a>(&self, name: &str, known: impl Iterator<Item = &'a String>) -> Problem {
        let problem = Problem::usage(format!("there is no template {name}; nothing ran"));
        let told: Vec<_> = known.take(MAX_TOLD).map(String::as_str).collect();
        if !told.is_empty() {
            let told = told.join(", ");
            return problem.hint(format!("there are {told}; prepl query --list shows all"));
        }
        let files = self.named.iter().chain(&self.usual);
        let files: Vec<_> = files.map(|path| path.display().to_string()).collect();
        problem.hint(format!(
            "write it into {}, as docs/query.md shows, or name a file with --templates",
            files.join(" or ")
        ))
    }
}

fn read(path: &Path) -> Result<(PathBuf, Templates), Problem> {
    let name = path.display();
    let text = text(path)
        .map_err(|error| Problem::usage(format!("cannot read the templates in {name}: {error}")))?;
    let templates =
        template::parse(&text).map_err(|bad| Problem::usage(format!("{name}, {bad}")))?;
    Ok((path.to_owned(), templates))
}

/// A regular file of at most [`MAX_BYTES`].
fn text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} KiB", MAX_BYTES >> 10)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let one = |name| format!("[{name}]\nlanguage = 'sql'\nexpression = '{{{{query}}}}'\n");
        let text: String = names.iter().map(one).collect();
        fs::write(folder.path().join(FILE), text).unwrap();
        folder
    }

    #[test]
    fn the_first_file_that_has_the_name_wins() {
        let (fleet, own) = (folder(&["a", "b"]), folder(&["b", "c"]));
        let places = Places::new(None, Some(fleet.path()), Some(own.path()));
        let all = places.all().unwrap();
        let from = |name: &str| all[name].0.parent().unwrap() == fleet.path();
        assert_eq!((all.len(), from("a"), from("b"), from("c")), (3, true, true, false));
        assert!(places.find("c").is_ok());
        let unknown = places.find("d").unwrap_err();
        assert_eq!(unknown.hint.unwrap(), "there are a, b, c; prepl query --list shows all");
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_the_others_need_not() {
        let nowhere = Path::new("/nonexistent/prepl");
        assert!(Places::new(None, Some(nowhere), Some(nowhere)).all().unwrap().is_empty());
        let named = Places::new(Some(nowhere), None, None).all().unwrap_err();
        assert!(named.message.contains("/nonexistent/prepl: No such file"), "{named}");
        let hint = Places::new(None, Some(nowhere), None).find("a").unwrap_err().hint.unwrap();
        assert!(hint.starts_with("write it into /nonexistent/prepl/queries.toml, "), "{hint}");
    }

    #[test]
    fn what_is_broken_too_large_or_no_file_is_told() {
        let folder = folder(&["a"]);
        let path = folder.path().join(FILE);
        let told = || Places::new(None, Some(folder.path()), None).find("a").unwrap_err().message;
        fs::write(&path, "[a]\nlanguage = 'sql'\n").unwrap();
        assert!(told().contains("queries.toml, line 1: missing field `expression`"), "{}", told());
        fs::write(&path, "#".repeat(MAX_BYTES as usize + 1)).unwrap();
        assert!(told().contains("larger than 256 KiB"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(told().contains("no regular file"));
    }
}
