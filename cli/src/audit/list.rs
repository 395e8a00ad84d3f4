//! The list: a line an entry, for people and for programs.

mod fit;

use clap::ValueEnum;
use prepl_core::Class;
use prepl_core::outcome::Counts;

use super::entry::{Act, Entry, How, Text, To};
use super::record;
use crate::quantity::show_bytes;
use crate::render::columns::{Columns, Row};
use crate::render::page::Ink;
use crate::render::safe::{self, Layout};
use crate::render::{json, jsonl};

/// Form of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// Aligned columns, cut to the terminal
    #[default]
    Table,
    /// The same with request, access, reason, ticket, log and number; nothing is cut to the terminal
    Wide,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
}

impl ListFormat {
    /// Whether a program reads it.
    pub fn is_for_programs(self) -> bool {
        matches!(self, ListFormat::Json | ListFormat::Jsonl)
    }
}

/// How a table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In colour.
    pub colour: bool,
    /// With a line of heads.
    pub heads: bool,
    /// Columns of the terminal; `None` into a pipe.
    pub width: Option<usize>,
}

const HEADS: [&str; 6] = ["TIME", "USER", "WHAT", "WHERE", "OUTCOME", "ID"];
const WIDE_HEADS: [&str; 5] = ["REQUEST", "ACCESS", "TICKET", "LOG", "SEQ"];
/// Digits of a request id that stand in for it; `show` takes them.
const SHORT_ID: usize = 8;

/// The entries in one of the forms.
pub fn render(format: ListFormat, entries: &[Entry], look: Look) -> String {
    match format {
        ListFormat::Table => table(entries, false, look),
        ListFormat::Wide => table(entries, true, Look { width: None, ..look }),
        ListFormat::Json => json::written(&record::document(entries)),
        ListFormat::Jsonl => {
            entries.iter().map(|entry| jsonl::line("entry", record::entry(entry))).collect()
        }
    }
}

fn table(entries: &[Entry], wide: bool, look: Look) -> String {
    let heads = HEADS.into_iter().chain(WIDE_HEADS.into_iter().filter(|_| wide));
    let heads: Vec<&str> = heads.collect();
    let mut rows: Vec<Vec<String>> = entries.iter().map(|entry| cells(entry, wide)).collect();
    let room = look.width.map(|width| fit::fit(width, &heads, &mut rows));
    let last = if wide { ["REASON", "EXPRESSION"].as_slice() } else { &["EXPRESSION"] };
    let mut table = Columns::new(heads.iter().chain(last).map(|head| (*head).into()).collect());
    for (entry, mut cells) in entries.iter().zip(rows) {
        if wide {
            cells.push(entry.reason.as_ref().map_or_else(|| "-".into(), |one| one.text.clone()));
        }
        cells.push(match room {
            Some(room) => fit::beginning(&expression(entry), room),
            None => expression(entry),
        });
        table.push(Row { ink: ink(entry), cells });
    }
    if look.heads { table.render(look.colour) } else { table.body(look.colour) }
}

fn cells(entry: &Entry, wide: bool) -> Vec<String> {
    let mut cells = vec![
        seconds(entry),
        entry.who.username.clone(),
        what(entry),
        place(&entry.to),
        outcome(entry),
        id(entry),
    ];
    if wide {
        let access = entry.who.access.as_ref();
        cells.extend([
            entry.request().map(|request| request.to_string()).unwrap_or_default(),
            access.map(|one| format!("{}/{}", one.namespace, one.name)).unwrap_or_default(),
            entry.ticket.as_ref().map(|ticket| ticket.text.clone()).unwrap_or_default(),
            entry.log.to_string(),
            entry.place.seq.to_string(),
        ]);
    }
    cells.into_iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell }).collect()
}

/// The moment without its milliseconds.
fn seconds(entry: &Entry) -> String {
    let time = entry.time.to_string();
    time.split_once('.').map_or_else(|| time.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// What was done, with a mark for a right that is for emergencies.
pub fn what(entry: &Entry) -> String {
    let what = match &entry.act {
        Act::Run { how: How::ReadWrite, .. } => "eval",
        Act::Run { how: How::ReadOnly, .. } => "read",
        Act::Run { how: How::Recall, .. } => "recall",
        Act::Tunnel { .. } => "attach",
        Act::Input { .. } => "input",
        Act::Said { .. } => "said",
        Act::Denied { expression: Some(_), .. } => "denied eval",
        Act::Denied { expression: None, .. } => "denied attach",
        Act::BreakGlass => return "break-glass".to_owned(),
        Act::Approval { .. } => "approval",
    };
    if entry.break_glass { format!("break-glass {what}") } else { what.to_owned() }
}

fn place(to: &To) -> String {
    if let Some(only) = &to.only {
        return only.clone();
    }
    let Some((first, others)) = to.workloads.split_first() else {
        return if to.replicas > 0 { format!("×{}", to.replicas) } else { String::new() };
    };
    match others.len() {
        0 => format!("{first} ×{}", to.replicas),
        more => format!("{first} +{more} ×{}", to.replicas),
    }
}

fn outcome(entry: &Entry) -> String {
    match &entry.act {
        Act::Run { outcomes: None, .. } => "no outcome recorded".to_owned(),
        Act::Run { outcomes: Some(counts), .. } => counted(counts, entry.to.replicas),
        Act::Tunnel { end: None, .. } => "no end recorded".to_owned(),
        Act::Tunnel { end: Some((to, from)), .. } => {
            format!("{} to, {} from", show_bytes(*to), show_bytes(*from))
        }
        Act::Said { op: Some(op), .. } => op.text.clone(),
        Act::Said { op: None, code: Some(_), .. } => "text".to_owned(),
        Act::Said { op: None, code: None, bytes, .. } => format!("{} unread", show_bytes(*bytes)),
        Act::Denied { why, .. } => why.text.clone(),
        Act::Input { .. } | Act::BreakGlass => String::new(),
        Act::Approval { access } => format!("of {}/{}", access.namespace, access.name),
    }
}

/// How many ended how; those that nothing is recorded of are told.
fn counted(counts: &Counts, replicas: usize) -> String {
    let of = |class: Class| (counts.of(class), class.as_str());
    let told = Class::ALL.into_iter().map(of).filter(|(count, _)| *count > 0);
    let missing = replicas.saturating_sub(counts.total() as usize);
    let missing = (missing > 0).then(|| format!("{missing} not recorded"));
    let told = told.map(|(count, class)| format!("{count} {class}")).chain(missing);
    told.collect::<Vec<_>>().join(", ")
}

fn id(entry: &Entry) -> String {
    let short = |request: prepl_core::RequestId| request.to_string()[..SHORT_ID].to_owned();
    let run = entry.run().map(|run| run.to_string());
    run.or_else(|| entry.request().map(short)).unwrap_or_default()
}

fn ink(entry: &Entry) -> Ink {
    match &entry.act {
        Act::Denied { .. } => Ink::Bad,
        _ if entry.break_glass => Ink::Warn,
        _ => Ink::Plain,
    }
}

/// What ran on one line, with a mark where its end is missing; of a whole file its name.
fn expression(entry: &Entry) -> String {
    let whole = |text: &Text| {
        let line = safe::text(&text.text, Layout::Line);
        if text.cut { line + "…" } else { line }
    };
    let loaded = entry.loaded().map(|file| format!("load {}", whole(file)));
    loaded.or_else(|| entry.expression().map(whole)).unwrap_or_default()
}

#[cfg(test)]
#[path = "list/tests.rs"]
mod tests;
