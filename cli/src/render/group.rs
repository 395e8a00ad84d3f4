//! What one group of equal answers printed and gave.

use std::sync::Arc;

use bytes::Bytes;
use prepl_core::{ReplicaIndex, Stream, Value};
use prepl_fold::{Comparison, Group, canonical, shape};

use super::page::{Ink, Page};
use super::{Results, crowd};
use crate::quantity::show_bytes;

/// Longest text whose shape is shown; the fold compares longer ones as text.
const MAX_READ: usize = 4 << 20;

/// `10 replicas   v2.41.0   zones a4 b4 c2`, the count at the right of so many columns.
pub fn who(results: &Results, members: &[ReplicaIndex], columns: usize) -> String {
    let replicas = crowd::replicas(&results.selection, members);
    let parts = [
        format!("{:>columns$}", crowd::count(members.len())),
        crowd::versions(replicas.clone()),
        crowd::zones(replicas),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("   ")
}

/// Printed output behind a gutter, then the values.
pub fn answer(page: &mut Page, results: &Results, group: &Group) {
    let first = group.members.first().and_then(|index| results.answer(*index));
    let printed = first.map_or(0, |answer| answer.done.output_bytes);
    output(page, &group.output, printed);
    values(page, &as_compared(&group.values, results.folded.comparison));
}

/// What the replicas of a group have in common: where shapes are compared, no single value.
fn as_compared(values: &[Value], comparison: Comparison) -> Vec<Value> {
    let shown = values.iter().map(|value| match comparison {
        Comparison::Shape => Value { text: shape_of(value), ..value.clone() },
        Comparison::Exact | Comparison::Canonical => value.clone(),
    });
    shown.collect()
}

/// The shape of a value that can be read; the text of another one.
fn shape_of(value: &Value) -> Arc<str> {
    let read = prepl_fold::read(&value.text, MAX_READ).filter(|_| !value.truncated);
    read.map_or_else(|| Arc::clone(&value.text), |read| canonical(&shape(&read)).into())
}

/// Printed output behind a gutter; says so when it is not all.
pub fn output(page: &mut Page, output: &[(Stream, Bytes)], printed: u64) {
    for (stream, bytes) in joined(output) {
        let (ink, gutter) = match stream {
            Stream::Out => (Ink::Faint, "out │ "),
            Stream::Err => (Ink::Warn, "err │ "),
        };
        page.block_of_bytes((ink, gutter), Ink::Plain, &bytes);
    }
    let shown: u64 = output.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    if shown < printed {
        let note =
            format!("… {} of {} printed bytes shown", show_bytes(shown), show_bytes(printed));
        page.put(Ink::Warn, &note).end();
    }
}

/// Values, one below the other.
pub fn values(page: &mut Page, values: &[Value]) {
    if values.is_empty() {
        page.put(Ink::Faint, "no value").end();
    }
    for value in values {
        page.block((Ink::Plain, ""), Ink::Plain, &value.text);
        if value.truncated {
            let shown = show_bytes(value.text.len() as u64);
            let note = format!("… cut after {shown}; --limit-bytes allows more");
            page.put(Ink::Warn, &note).end();
        }
    }
}

/// The values on one line, if they are short and nothing was printed.
pub fn short(group: &Group, comparison: Comparison) -> Option<String> {
    let short = |text: &str| text.len() <= 60 && !text.contains('\n');
    let [value] = &as_compared(&group.values, comparison)[..] else { return None };
    let fits = group.output.is_empty() && !value.truncated && short(&value.text);
    fits.then(|| value.text.to_string())
}

/// Pieces of one stream that follow each other are one text.
fn joined(output: &[(Stream, Bytes)]) -> Vec<(Stream, Vec<u8>)> {
    let mut pieces: Vec<(Stream, Vec<u8>)> = Vec::new();
    for (stream, bytes) in output {
        match pieces.last_mut() {
            Some((last, text)) if last == stream => text.extend_from_slice(bytes),
            _ => pieces.push((*stream, bytes.to_vec())),
        }
    }
    pieces
}
