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
        ..=NAMES => shown.join(" "),
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
