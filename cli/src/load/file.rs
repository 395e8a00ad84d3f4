//! A file that is to be loaded: its text, its namespace, and the name that a runtime knows it by.

use std::path::{Component, Path, PathBuf};

use prepl_core::{Digest, Expression, FileName};
use prepl_reader::NsForm;

use crate::problem::Problem;
use crate::source::Source;

/// A file.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is here.
    pub path: PathBuf,
    /// How the runtime is told to call it.
    pub name: FileName,
    /// What stands in it.
    pub text: Expression,
    /// What its `ns` form says.
    pub ns: Option<NsForm>,
}

impl File {
    /// Reads a file; `shown` is its name where no namespace says a better one.
    ///
    /// Text that Clojure cannot read is refused here already, where it is seen from here.
    pub fn read(path: &Path, shown: &Path) -> Result<File, Problem> {
        let text = Source::File(path.to_owned()).text()?;
        let at = path.display();
        let text = Expression::new(text).map_err(|bad| Problem::usage(format!("{at}: {bad}")))?;
        let is_clojure = is_clojure(path);
        if let Some(flaw) = prepl_reader::flaw(text.as_str()).filter(|_| is_clojure) {
            return Err(Problem::usage(format!("{at}: {flaw}")));
        }
        let ns = prepl_reader::ns_form(text.as_str()).filter(|_| is_clojure);
        let known = ns.as_ref().and_then(|ns| of_namespace(path, &ns.name));
        let name = known.unwrap_or_else(|| named(shown));
        let name = name.parse().map_err(|bad| Problem::usage(format!("{at}: {bad}")))?;
        Ok(File { path: path.to_owned(), name, text, ns })
    }

    /// Whether its text is Clojure.
    pub fn is_clojure(&self) -> bool {
        is_clojure(&self.path)
    }

    /// What stands for its text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_str())
    }
}

/// Whether a file has Clojure that a JVM loads.
pub fn is_clojure(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "clj" || ending == "cljc")
}

/// Where the file of a namespace stands in a source path, without its ending.
pub fn place_of(namespace: &str) -> String {
    namespace.replace('-', "_").replace('.', "/")
}

/// The name by which Clojure itself loads a namespace, where the file stands so: `shop/core.clj`.
fn of_namespace(path: &Path, namespace: &str) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    let name = format!("{}.{ending}", place_of(namespace));
    path.ends_with(&name).then_some(name)
}

/// The path as it was written; of one that leads elsewhere the last part, as the folders of this
/// machine mean nothing on another.
fn named(path: &Path) -> String {
    let within =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let normal = path.components().filter(|part| matches!(part, Component::Normal(_)));
    let normal: PathBuf = normal.collect();
    let name = if within { normal.as_os_str() } else { path.file_name().unwrap_or_default() };
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Result<File, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        File::read(&file, Path::new(path))
    }

    fn name(path: &str, text: &str) -> String {
        read(path, text).unwrap().name.to_string()
    }

    #[test]
    fn a_file_is_named_as_clojure_names_it_where_its_namespace_says_so() {
        assert_eq!(name("src/shop/core_api.clj", "(ns shop.core-api)"), "shop/core_api.clj");
        assert_eq!(name("src/shop/core.cljc", "(ns shop.core)"), "shop/core.cljc");
        assert_eq!(name("src/shop/other.clj", "(ns shop.core)"), "src/shop/other.clj");
        assert_eq!(name("./fix.clj", "(f)"), "fix.clj");
        assert_eq!(name("fix.rhai", "f("), "fix.rhai");
        assert_eq!(named(Path::new("/home/mira/fix.clj")), "fix.clj");
        assert_eq!(named(Path::new("../fix.clj")), "fix.clj");
    }

    #[test]
    fn a_text_that_cannot_be_read_is_told_with_its_place() {
        let problem = read("a.clj", "(ns a)\n(defn f [").unwrap_err();
        assert!(
            problem.message.contains("a.clj: ") && problem.message.contains("line 2"),
            "{problem}"
        );
        assert!(read("a.clj", " \n").unwrap_err().message.contains("a.clj: "));
        assert!(read("a\u{202e}.clj", "1").is_err());
    }
}
