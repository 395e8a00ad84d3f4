//! What splits the groups, and where in a value they differ, in words.

use std::collections::BTreeSet;

use prepl_core::Stream;
use prepl_fold::{Explanation, Group, Kind, PathStep, explain};

use super::page::{Ink, Page, Seat};
use super::{Results, crowd};

const LABEL_COLUMNS: usize = 15;

/// `split follows …` and how to look closer, where there is something to say.
pub fn render(page: &mut Page, results: &Results, groups: &[Group]) {
    let members: Vec<_> = groups.iter().map(|group| &group.members[..]).collect();
    let explanations = explain(&results.selection, &members);
    let told = explanations.iter().filter(|one| is_telling(one, groups));
    let mut sentences = Vec::new();
    for sentence in told.map(|one| sentence(one, groups)) {
        // A label may say the same as the fact it stands for.
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let next = next(page.seat, results, groups);
    if sentences.is_empty() && next.is_none() {
        return;
    }
    page.end();
    if let Some((first, also)) = sentences.split_first() {
        page.cell(Ink::Strong, "split follows", LABEL_COLUMNS).put(Ink::Plain, first);
        if !also.is_empty() {
            page.put(Ink::Faint, &format!("   (also: {})", also.join(", ")));
        }
        page.end();
    }
    if let Some(next) = next {
        page.cell(Ink::Strong, "next", LABEL_COLUMNS).put(Ink::Plain, &next).end();
    }
}

/// An attribute that more replicas of other groups have than of its own says little.
fn is_telling(explanation: &Explanation, groups: &[Group]) -> bool {
    match &explanation.kind {
        Kind::Exact { .. } => true,
        Kind::Only { group, elsewhere, .. } => {
            groups.get(*group).is_some_and(|group| *elsewhere <= group.members.len())
        }
    }
}

fn sentence(explanation: &Explanation, groups: &[Group]) -> String {
    let attribute = explanation.attribute.strip_prefix("label ").unwrap_or(&explanation.attribute);
    match &explanation.kind {
        Kind::Exact { .. } => format!("{attribute} exactly"),
        Kind::Only { group, value, elsewhere } => {
            let letter = groups.get(*group).map_or("?", |group| &group.letter);
            let others = match elsewhere {
                0 => "alone".to_owned(),
                others => format!("and {} more", crowd::grouped(*others)),
            };
            format!("{attribute} {value}: {letter} {others}")
        }
    }
}

/// How to ask the second group alone, when a few differ from many.
fn next(seat: Seat, results: &Results, groups: &[Group]) -> Option<String> {
    let few_differ = results.has_majority() && groups.len() <= 4;
    let group = groups.get(1).filter(|group| few_differ && group.members.len() <= 5)?;
    let replicas = crowd::replicas(&results.selection, &group.members);
    let names: Vec<_> = replicas.map(|replica| &*replica.id.name).collect();
    let typed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let plain = names.iter().all(|name| name.chars().all(typed));
    if seat != Seat::Shell {
        return plain.then(|| match &names[..] {
            [one] => format!(":w {one}"),
            names => format!(":w ^({})$", names.join("|")),
        });
    }
    let namespaces: BTreeSet<_> = crowd::replicas(&results.selection, &group.members)
        .map(|replica| &*replica.id.namespace)
        .collect();
    // Another context, another namespace: the line must mean the same there.
    let namespaces: String = namespaces.iter().map(|name| format!("-n {name} ")).collect();
    plain.then(|| format!("prepl exec {namespaces}'^({})$' …", names.join("|")))
}

/// A place in an answer: `:a :b`, `[3]`, `line 2`.
pub fn path(steps: &[PathStep]) -> String {
    let steps = steps.iter().map(|step| match step {
        PathStep::Form(form) => format!("form {}", form + 1),
        PathStep::Output(Stream::Out) => "stdout".to_owned(),
        PathStep::Output(Stream::Err) => "stderr".to_owned(),
        PathStep::Key(key) => key.clone(),
        PathStep::Index(place) => format!("[{place}]"),
        PathStep::Member => "member".to_owned(),
        PathStep::Line(line) => format!("line {line}"),
    });
    steps.collect::<Vec<_>>().join(" ")
}
