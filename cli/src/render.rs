//! Answers as text: one file a form; pure, a thin layer writes what they give.

pub mod closing;
pub mod columns;
pub mod crowd;
pub mod diff;
pub mod edn;
#[cfg(test)]
pub mod example;
pub mod fold;
pub mod group;
pub mod json;
pub mod jsonl;
pub mod judged;
pub mod lines;
pub mod name;
pub mod others;
pub mod page;
pub mod parsed;
pub mod printed;
pub mod raw;
pub mod record;
pub mod safe;
pub mod sentence;
pub mod split;
pub mod stream;
pub mod table;
#[cfg(test)]
mod tests;
pub mod yaml;

use clap::ValueEnum;
use prepl_core::{
    Answer, Class, ExitCode, ReplicaIndex, RequestId, RunId, Selection, Summary, exit::Findings,
};
use prepl_fold::{Comparison, Folded};

use page::Seat;

/// How answers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Equal answers once, with who gave them and what splits the groups
    #[default]
    Fold,
    /// What differs from the majority, as a unified difference
    Diff,
    /// Lines as they arrive, each behind its replica's name
    Stream,
    /// One line a replica: name, tab, value
    Lines,
    /// Aligned columns; flat maps get a column a key
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line, as it happens
    Jsonl,
    /// One YAML document
    Yaml,
    /// One EDN map
    Edn,
    /// Names of the replicas that answered ok
    Name,
    /// Values alone
    Raw,
}

/// A finished run: every replica of the selection has exactly one answer.
#[derive(Debug)]
pub struct Results {
    /// Who was asked.
    pub selection: Selection,
    /// Answers in the order of the selection.
    pub answers: Vec<Answer>,
    /// The run as a whole.
    pub summary: Summary,
    /// Name of the run.
    pub run: RunId,
    /// Name of the request.
    pub request: RequestId,
    /// The answers folded.
    pub folded: Folded,
}

/// What the screen can show and the user wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Use colour.
    pub colour: bool,
    /// The text goes to a terminal.
    pub on_terminal: bool,
    /// Groups shown in full; the rest is summed up.
    pub max_groups: usize,
    /// Where the reader sits.
    pub seat: Seat,
}

impl Results {
    /// Folds the answers of a run.
    pub fn new(
        selection: Selection,
        answers: Vec<Answer>,
        summary: Summary,
        run: RunId,
        request: RequestId,
        comparison: Comparison,
    ) -> Results {
        let folded = prepl_fold::fold(&answers, comparison);
        Results { selection, answers, summary, run, request, folded }
    }

    /// Replicas that answered ok.
    pub fn ok_count(&self) -> usize {
        self.summary.counts.of(Class::Ok) as usize
    }

    /// Whether the first group is larger than every other.
    pub fn has_majority(&self) -> bool {
        match &self.folded.ok[..] {
            [first, second, ..] => first.members.len() > second.members.len(),
            groups => groups.len() == 1,
        }
    }

    /// One replica's answer.
    pub fn answer(&self, index: ReplicaIndex) -> Option<&Answer> {
        self.answers.get(index.get()).filter(|answer| answer.replica == index)
    }

    /// The verdict, where answers are perhaps expected to be the same.
    pub fn exit_code(&self, expect_same: bool) -> ExitCode {
        self.verdict(expect_same && self.folded.ok.len() > 1)
    }

    /// The verdict, where something else was expected and perhaps failed.
    pub fn verdict(&self, expectation_failed: bool) -> ExitCode {
        use prepl_core::{Outcome, Refusal};
        let refused = |wanted: fn(&Refusal) -> bool| {
            let refused = self.answers.iter().filter(
                |answer| matches!(&answer.done.outcome, Outcome::Refused(why) if wanted(why)),
            );
            refused.count() as u32
        };
        let findings = Findings {
            denied: refused(|why| matches!(why, Refusal::Denied(_))),
            unreadable: refused(|why| matches!(why, Refusal::Unreadable(_))),
            expectation_failed,
        };
        ExitCode::of(&self.summary, findings)
    }
}

/// What is written after a run in one of the forms.
pub fn finished(format: Format, results: &Results, code: ExitCode, view: View) -> String {
    match format {
        Format::Fold => fold::render(results, view),
        Format::Diff => diff::render(results, view),
        Format::Stream => String::new(),
        Format::Lines => lines::render(results, view.colour),
        Format::Table => table::render(results, view.colour),
        Format::Json => json::render(results, code),
        Format::Jsonl => jsonl::end(results, code),
        Format::Yaml => yaml::render(results, code),
        Format::Edn => edn::render(results, code),
        Format::Name => name::render(results),
        Format::Raw => raw::render(results, view.on_terminal),
    }
}

/// What is written to stdout when nothing ran: machine forms tell it as data.
pub fn problem(format: Format, problem: &crate::problem::Problem) -> String {
    match format {
        Format::Json => json::error(problem),
        Format::Jsonl => jsonl::error(problem),
        Format::Yaml => yaml::error(problem),
        Format::Edn => edn::error(problem),
        _ => String::new(),
    }
}

/// A document in one of the machine forms; `None` in a form for people.
pub fn document(format: Format, kind: &str, document: serde_json::Value) -> Option<String> {
    match format {
        Format::Json => Some(json::written(&document)),
        Format::Jsonl => Some(jsonl::line(kind, document)),
        Format::Yaml => Some(yaml::written(&document)),
        Format::Edn => Some(edn::written(document)),
        _ => None,
    }
}
