//! The closing line: who was asked, how it ended, how long it took; the same in every form.

use std::collections::BTreeMap;
use std::time::Duration;

use prepl_core::report::Stopped;
use prepl_core::{Class, ReplicaIndex};

use super::page::{self, Ink, Page, Seat};
use super::{Results, crowd};
use crate::quantity::show_duration;

const COUNTS_COLUMNS: usize = 25;
/// Different notices that are shown.
const MAX_NOTICES: usize = 3;
/// Characters of one that are shown.
const MAX_NOTICE: usize = 300;

/// Whether somebody still reads the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Yes, or nobody knows better.
    There,
    /// The other end of stdout is closed, so that not all answers were seen.
    Left,
}

/// The lines that end every run.
pub fn closing(results: &Results, reader: Reader, colour: bool) -> String {
    let mut page = Page::new(colour);
    page.end();
    stopped(&mut page, results.summary.stopped, reader);
    if reader == Reader::Left {
        unknown(&mut page, results);
    }
    notices(&mut page, results);
    page.put(Ink::Faint, &asked(results)).end();
    ended(&mut page, results);
    page.finish()
}

/// Those of them that a prompt shows, where it is known who is asked: what is special, and the
/// counts where not all are ok.
pub fn remarks(results: &Results, colour: bool) -> String {
    let mut page = Page::at(Seat::Prompt, colour);
    stopped(&mut page, results.summary.stopped, Reader::There);
    notices(&mut page, results);
    let counts = &results.summary.counts;
    if counts.of(Class::Ok) < counts.total() {
        ended(&mut page, results);
    }
    page.finish()
}

fn ended(page: &mut Page, results: &Results) {
    let counts = counts(results);
    page.cell(ink(results), &counts, COUNTS_COLUMNS);
    if page::width(&counts) >= COUNTS_COLUMNS {
        page.put(Ink::Plain, "   ");
    }
    page.put(Ink::Faint, &times(results)).end();
}

fn stopped(page: &mut Page, stopped: Option<Stopped>, reader: Reader) {
    let why = match (stopped, reader) {
        (None, _) => return,
        (Some(Stopped::Interrupted), Reader::There) => "interrupted",
        (Some(Stopped::Interrupted), Reader::Left) => {
            "the reader of stdout went away, and what ran was interrupted"
        }
        (Some(Stopped::Deadline), _) => "the deadline of the run passed",
        (Some(Stopped::Revoked), _) => "your access ended, and what ran was interrupted",
    };
    page.put(Ink::Warn, "stopped").put(Ink::Plain, &format!("  {why}")).end();
}

/// What replicas want a person to know, each once.
fn notices(page: &mut Page, results: &Results) {
    let mut tellers: BTreeMap<&str, Vec<ReplicaIndex>> = BTreeMap::new();
    for answer in &results.answers {
        for notice in &answer.notices {
            tellers.entry(notice).or_default().push(answer.replica);
        }
    }
    for (notice, replicas) in tellers.iter().take(MAX_NOTICES) {
        let all = replicas.len() == results.answers.len();
        let who = if all { String::new() } else { format!(" ({})", crowd::count(replicas.len())) };
        let notice: String = notice.chars().take(MAX_NOTICE).collect();
        page.put(Ink::Faint, &format!("· {notice}{who}")).end();
    }
    if let Some(more @ 1..) = tellers.len().checked_sub(MAX_NOTICES) {
        let how = page.seat.either("-o json", ":save");
        page.put(Ink::Faint, &format!("· {more} further notices; {how} has them")).end();
    }
}

/// Who is unknown, for nobody has seen the answers that say it.
fn unknown(page: &mut Page, results: &Results) {
    let answers = results.answers.iter().filter(|answer| answer.class() == Class::Unknown);
    let members: Vec<_> = answers.map(|answer| answer.replica).collect();
    if !members.is_empty() {
        let names = crowd::names(&results.selection, &members);
        page.put(Ink::Warn, "unknown").put(Ink::Plain, &format!("  {names}")).end();
    }
}

fn asked(results: &Results) -> String {
    let replicas = results.selection.replicas();
    let parts = [
        crowd::workloads(replicas.iter()),
        crowd::count(replicas.len()),
        crowd::versions(replicas.iter()),
        crowd::zones(replicas.iter()),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// Every class that is not zero; the numbers add up to the selection.
fn counts(results: &Results) -> String {
    let counts = &results.summary.counts;
    let present = Class::ALL.into_iter().filter(|class| counts.of(*class) > 0);
    let counts = present.map(|class| {
        let count = crowd::grouped(counts.of(class) as usize);
        let answers = results.folded.ok.len();
        match class {
            Class::Ok if answers > 1 => format!("{count} ok, {} answers", crowd::grouped(answers)),
            class => format!("{count} {class}"),
        }
    });
    counts.collect::<Vec<_>>().join(" · ")
}

fn ink(results: &Results) -> Ink {
    let counts = &results.summary.counts;
    if counts.of(Class::Ok) == counts.total() { Ink::Good } else { Ink::Bad }
}

fn times(results: &Results) -> String {
    let mut parts = Vec::new();
    if let Some(times) = Percentiles::of(results) {
        parts.push(format!("p50 {}", show_duration(times.p50)));
        if times.count >= 100 {
            parts.push(format!("p99 {}", show_duration(times.p99)));
        }
        parts.push(format!("max {}", show_duration(times.max)));
    }
    parts.extend(results.summary.skew.map(|skew| format!("skew {}", show_duration(skew))));
    parts.push(format!("run {}", results.run));
    parts.join("   ")
}

/// Times from the start of the run to the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// Answers that were measured.
    pub count: usize,
    /// Half of the answers came within.
    pub p50: Duration,
    /// 99 of 100 answers came within.
    pub p99: Duration,
    /// The last answer.
    pub max: Duration,
}

impl Percentiles {
    /// Measures the replicas that answered; `None` when none did.
    pub fn of(results: &Results) -> Option<Percentiles> {
        let answered = |class| matches!(class, Class::Ok | Class::Raised);
        let answers = results.answers.iter().filter(|answer| answered(answer.class()));
        let mut times: Vec<_> = answers.map(|answer| answer.done.timings.total).collect();
        times.sort_unstable();
        let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1);
        Some(Percentiles {
            count: times.len(),
            p50: *rank(50)?,
            p99: *rank(99)?,
            max: *times.last()?,
        })
    }
}
