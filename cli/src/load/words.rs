//! What the command line names: files, and perhaps a target.

use std::path::PathBuf;

use clap::Args;
use prepl_core::selection::Pattern;

use crate::problem::Problem;
use crate::source::is_workload;

/// The words without a flag, and where namespaces are looked for.
#[derive(Args, Clone, Debug)]
pub struct Words {
    /// A file, a folder or a namespace, then perhaps TYPE/NAME or a regular expression on names
    #[arg(value_name = "FILE|FOLDER|NAMESPACE [TARGET]", num_args = 0..=2, hide_short_help = false)]
    words: Vec<String>,
    /// Folder in which namespaces are looked for; repeat for several
    #[arg(long = "source-path", value_name = "FOLDER", default_value = "src")]
    pub source_paths: Vec<PathBuf>,
    /// Load before it what it requires, as far as that is in a source path
    #[arg(long)]
    pub with_deps: bool,
}

/// What is to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A file.
    File(PathBuf),
    /// All Clojure files below a folder.
    Folder(PathBuf),
    /// The file of a namespace in a source path.
    Namespace(String),
}

impl Words {
    /// What is to be loaded, and where.
    pub fn read(&self) -> Result<(What, Option<Pattern>), Problem> {
        let (what, target) = self.sort_out()?;
        let target = target.map(str::parse).transpose().map_err(Problem::usage)?;
        Ok((What::of(what)?, target))
    }

    fn sort_out(&self) -> Result<(&str, Option<&str>), Problem> {
        match &self.words[..] {
            [target] if is_workload(target) && !PathBuf::from(target).exists() => {
                Err(Problem::usage(format!("nothing to load given; {target} is a target"))
                    .hint(format!("write it first: prepl load src/shop/core.clj {target}")))
            }
            [what] => Ok((what, None)),
            [what, target] => Ok((what, Some(target))),
            _ => Err(Problem::usage("nothing to load given; nothing ran")
                .hint("name a file, a folder or a namespace: prepl load src deploy/api")),
        }
    }
}

impl What {
    /// A path that is there; else the name of a namespace.
    fn of(word: &str) -> Result<What, Problem> {
        let path = PathBuf::from(word);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => Ok(What::Folder(path)),
            Ok(_) => Ok(What::File(path)),
            Err(_) if is_namespace(word) => Ok(What::Namespace(word.to_owned())),
            Err(error) => Err(Problem::usage(format!("cannot open {word}: {error}"))
                .hint("the first word is a file, a folder or a namespace")),
        }
    }
}

/// Letters, digits, dots and a few signs, not a path and not the name of a file.
fn is_namespace(word: &str) -> bool {
    let is_sign = |c: char| "-_*+!?<>=&$%'".contains(c);
    let part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || is_sign(c));
    let is_file = [".clj", ".cljc", ".cljs"].iter().any(|ending| word.ends_with(ending));
    !is_file && word.split('.').all(part) && !word.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<(What, Option<String>), Problem> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let words = Words { words, source_paths: Vec::new(), with_deps: false };
        let (what, target) = words.read()?;
        Ok((what, target.map(|target| target.to_string())))
    }

    #[test]
    fn the_first_word_is_what_to_load_and_the_second_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.clj");
        std::fs::write(&file, "1").unwrap();
        let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        let told = read(&[&path(&file), "deploy/api"]).unwrap();
        assert_eq!(told, (What::File(file.clone()), Some("deployment/api".to_owned())));
        let told = read(&[&path(folder.path())]).unwrap();
        assert_eq!(told, (What::Folder(folder.path().to_owned()), None));
        let told = read(&["shop.core-api", "api-.*"]).unwrap();
        assert_eq!(told, (What::Namespace("shop.core-api".into()), Some("api-.*".into())));
    }

    #[test]
    fn what_is_neither_there_nor_a_namespace_is_refused() {
        for words in
            [&[][..], &["deploy/api"], &["no/such.clj"], &["missing.clj"], &["a b"], &["1.2"]]
        {
            assert!(read(words).is_err(), "{words:?}");
        }
    }
}
