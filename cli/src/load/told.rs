//! What is told of a load as a whole: which files are where, and with which text.

use prepl_core::{Class, ExitCode, Selection};
use serde_json::{Value as Json, json};

use super::file::File;
use crate::render::page::{Ink, Page};
use crate::render::{Results, crowd, json as documents};
use crate::targets::loaded;

/// Names of files that are written out in a line.
const NAMES: usize = 20;
/// Columns of the first word of a line.
const HEAD: usize = 12;

/// How far a load came.
pub struct Told<'a> {
    /// The files, in their order.
    pub files: &'a [File],
    /// Where they were to be loaded.
    pub selection: &'a Selection,
    /// What came of those that were begun, and the verdict on each.
    pub runs: &'a [(Results, ExitCode)],
}

/// Whether all replicas are ok.
pub fn all_ok(results: &Results) -> bool {
    results.ok_count() == results.selection.len()
}

impl Told<'_> {
    /// How many of the files are loaded on all replicas.
    fn everywhere(&self) -> usize {
        self.runs.iter().take_while(|(results, _)| all_ok(results)).count()
    }

    /// The lines that end a load.
    pub fn lines(&self, colour: bool) -> String {
        let mut page = Page::new(colour);
        let (loaded, rest) = self.files.split_at(self.everywhere());
        if rest.is_empty() {
            self.complete(&mut page);
            return page.finish();
        }
        let mut line = |ink, head: &str, text: &str| {
            page.cell(ink, head, HEAD).put(Ink::Plain, text).end();
        };
        line(Ink::Good, "everywhere", &names(loaded));
        let rest = match (self.runs.get(loaded.len()), rest.split_first()) {
            (Some((results, _)), Some((file, rest))) => {
                line(Ink::Bad, "in part", &format!("{}: {}", file.name, standing(results)));
                rest
            }
            _ => rest,
        };
        line(Ink::Warn, "nowhere", &names(rest));
        page.finish()
    }

    fn complete(&self, page: &mut Page) {
        let files = crowd::counted(self.files.len(), "file");
        let replicas = crowd::count(self.selection.len());
        let digest = loaded::digest(self.files.iter().map(|file| (&file.name, file.digest())));
        page.put(Ink::Good, "loaded").put(Ink::Plain, &format!("  {files} on {replicas}"));
        page.put(Ink::Faint, &format!("   digest {}", loaded::short(&digest))).end();
    }

    /// The whole as an object.
    pub fn json(&self) -> Json {
        let files = self.files.iter().enumerate().map(|(at, file)| {
            let mut object = named(file);
            let run = self.runs.get(at);
            object["state"] = match run {
                None => "nowhere",
                Some((results, _)) if all_ok(results) => "everywhere",
                Some(_) => "in_part",
            }
            .into();
            object["run"] = run.map(|(results, code)| documents::document(results, *code)).into();
            object
        });
        json!({ "files": files.collect::<Vec<_>>() })
    }
}

/// Which file, and which text.
pub fn named(file: &File) -> Json {
    json!({ "file": file.name.as_str(), "sha256": file.digest().to_string() })
}

/// The names of files in their order, the first of them.
pub fn names(files: &[File]) -> String {
    let shown: Vec<_> = files.iter().take(NAMES).map(|file| file.name.as_str()).collect();
    match files.len() {
        0 => "–".to_owned(),
        1..=NAMES => shown.join(" "),
        all => format!("{} and {} more", shown.join(" "), crowd::grouped(all - NAMES)),
    }
}

/// Where a file is loaded that is not everywhere, and how many replicas ended otherwise.
fn standing(results: &Results) -> String {
    let answers = results.answers.iter().filter(|answer| answer.class() == Class::Ok);
    let ok: Vec<_> = answers.map(|answer| answer.replica).collect();
    let ok = (!ok.is_empty()).then(|| format!("ok on {}", crowd::names(&results.selection, &ok)));
    let count = |class| results.summary.counts.of(class) as usize;
    let others = Class::ALL.into_iter().filter(|class| *class != Class::Ok && count(*class) > 0);
    let others = others.map(|class| format!("{} {class}", crowd::grouped(count(class))));
    ok.into_iter().chain(others).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::{Expression, Outcome};

    fn files(count: usize) -> Vec<File> {
        let file = |number| File {
            path: format!("f{number}.clj").into(),
            name: format!("f{number}.clj").parse().unwrap(),
            text: Expression::new(format!("; {number}")).unwrap(),
            ns: None,
        };
        (0..count).map(file).collect()
    }

    fn told(files: &[File], runs: Vec<Results>) -> String {
        let selection = Selection::of(example::api_fleet(3));
        let runs: Vec<_> = runs.into_iter().map(|run| (run, ExitCode::Ok)).collect();
        Told { files, selection: &selection, runs: &runs }.lines(false)
    }

    fn run(answers: [prepl_core::Answer; 3]) -> Results {
        example::results(example::api_fleet(3), answers.into())
    }

    fn good() -> Results {
        run([example::ok("nil"), example::ok("nil"), example::ok("nil")])
    }

    #[test]
    fn a_load_that_is_whole_has_one_line() {
        let text = told(&files(2), vec![good(), good()]);
        assert!(text.starts_with("loaded  2 files on 3 replicas   digest "), "{text}");
        assert_ne!(text, told(&files(3)[1..], vec![good(), good()]));
    }

    #[test]
    fn one_that_stopped_tells_what_is_where() {
        let unknown = || example::ended(Outcome::unknown("no word of the end"));
        let stopped = run([example::ok("nil"), unknown(), unknown()]);
        insta::assert_snapshot!(told(&files(4), vec![good(), stopped]), @r"
        everywhere  f0.clj
        in part     f1.clj: ok on api-6f7c9-00 · 2 unknown
        nowhere     f2.clj f3.clj
        ");
        // Denied, say, before anything of it was sent.
        insta::assert_snapshot!(told(&files(2), Vec::new()), @r"
        everywhere  –
        nowhere     f0.clj f1.clj
        ");
    }

    #[test]
    fn many_names_are_counted() {
        assert!(names(&files(NAMES + 1001)).ends_with("f19.clj and 1,001 more"));
        assert!(names(&files(NAMES)).ends_with(" f19.clj"));
    }
}
