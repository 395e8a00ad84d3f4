//! `-o fold`: equal answers once, with who gave them, what differs and what splits them.

use prepl_core::{Class, ReplicaIndex};
use prepl_fold::{Comparison, Difference, Group, difference};

use super::page::{Ink, Page};
use super::{Results, View, crowd, group, others, split};

/// Changes shown of one group.
const MAX_CHANGES: usize = 8;

/// Renders the whole screen.
pub fn render(results: &Results, view: View) -> String {
    let mut page = Page::at(view.seat, view.colour);
    heading(&mut page, results);
    match &results.folded.ok[..] {
        [] => {}
        [only] => group::answer(&mut page, results, only),
        groups => answers(&mut page, results, groups, view),
    }
    others::render(&mut page, results, view.max_groups);
    page.finish()
}

/// One line that tells whether all said the same.
pub fn heading(page: &mut Page, results: &Results) {
    let (ok, selected) = (results.ok_count(), results.selection.len());
    let same = match results.folded.comparison {
        Comparison::Shape => "same shape",
        Comparison::Exact | Comparison::Canonical => "same",
    };
    let of = if ok == selected { String::new() } else { format!(" of {selected}") };
    match (results.folded.ok.len(), ok) {
        (0, _) => return,
        (1, 1) => {
            let who = crowd::names(&results.selection, &results.folded.ok[0].members);
            page.put(Ink::Good, "●").put(Ink::Plain, &format!(" {who}"))
        }
        (1, _) if ok == selected => {
            page.put(Ink::Good, "●").put(Ink::Plain, &format!(" {ok}/{selected} {same}"))
        }
        (1, _) => page.put(Ink::Good, "●").put(Ink::Plain, &format!(" {ok}{of} replicas {same}")),
        (answers, _) => page
            .put(Ink::Warn, "◐")
            .put(Ink::Plain, &format!(" {answers} answers from {ok}{of} replicas")),
    };
    page.end();
}

fn answers(page: &mut Page, results: &Results, groups: &[Group], view: View) {
    let shown = &groups[..groups.len().min(view.max_groups.max(1))];
    page.end();
    match compact(results, shown) {
        Some(values) => list(page, results, shown, &values),
        None => blocks(page, results, shown),
    }
    rest(page, &groups[shown.len()..]);
    split::render(page, results, groups);
}

/// The values on one line each, where all are short and there are many.
fn compact(results: &Results, groups: &[Group]) -> Option<Vec<String>> {
    let short = |group| group::short(group, results.folded.comparison);
    (groups.len() > 3).then(|| groups.iter().map(short).collect()).flatten()
}

fn list(page: &mut Page, results: &Results, groups: &[Group], values: &[String]) {
    let columns = count_columns(results);
    let count = |group: &Group| format!("{:>columns$}", crowd::count(group.members.len()));
    let counts: Vec<_> = groups.iter().map(count).collect();
    let wide = |texts: &[String]| texts.iter().map(|text| super::page::width(text)).max();
    let (count, value) = (wide(&counts).unwrap_or(0), wide(values).unwrap_or(0));
    for ((group, text), replicas) in groups.iter().zip(values).zip(&counts) {
        page.cell(Ink::Strong, &group.letter, 3).cell(Ink::Plain, replicas, count + 3);
        page.cell(Ink::Plain, text, value + 3);
        page.put(Ink::Faint, &crowd::names(&results.selection, few(&group.members))).end();
    }
}

/// Names are told for small groups alone; large ones are told by their count.
fn few(members: &[ReplicaIndex]) -> &[ReplicaIndex] {
    if members.len() <= 2 { members } else { &[] }
}

fn blocks(page: &mut Page, results: &Results, groups: &[Group]) {
    let Some((first, minorities)) = groups.split_first() else { return };
    let leading = if results.has_majority() { "majority" } else { "" };
    title(page, results, first, leading);
    group::answer(page, results, first);
    for minority in minorities {
        page.end();
        title(page, results, minority, "differs");
        let names = crowd::names(&results.selection, &minority.members);
        page.put(Ink::Plain, "   ").put(Ink::Plain, &names).end();
        differences(page, results, first, minority);
    }
}

/// A group's own line.
fn title(page: &mut Page, results: &Results, group: &Group, word: &str) {
    let ink = if word == "differs" { Ink::Warn } else { Ink::Good };
    let who = group::who(results, &group.members, count_columns(results));
    page.cell(Ink::Strong, &group.letter, 3).cell(Ink::Plain, &who, 60);
    if !word.is_empty() {
        page.put(Ink::Plain, "  ").put(ink, word);
    }
    page.end();
}

/// Columns of the largest group's count, behind which the others stand.
pub fn count_columns(results: &Results) -> usize {
    let largest = results.folded.ok.first().map_or(0, |group| group.members.len());
    crowd::count(largest).len()
}

/// What differs, place by place; the whole answer where that says no less.
fn differences(page: &mut Page, results: &Results, majority: &Group, minority: &Group) {
    let found = difference(majority, minority, results.folded.comparison);
    let places = found.changes.iter().all(|change| !change.path.is_empty());
    if !places || found.changes.is_empty() {
        return group::answer(page, results, minority);
    }
    changes(page, &found);
}

fn changes(page: &mut Page, found: &Difference) {
    let shown = &found.changes[..found.changes.len().min(MAX_CHANGES)];
    let paths: Vec<_> = shown.iter().map(|change| split::path(&change.path)).collect();
    let widest = paths.iter().map(|path| super::page::width(path)).max().unwrap_or(0).min(40);
    for (change, path) in shown.iter().zip(&paths) {
        page.put(Ink::Plain, "     ").cell(Ink::Strong, path, widest).put(Ink::Plain, "  ");
        side(page, Ink::Plain, change.from.as_deref());
        page.put(Ink::Faint, " → ");
        side(page, Ink::Warn, change.to.as_deref());
        page.end();
    }
    let more = found.changes.len() - shown.len() + found.more;
    if more > 0 {
        let how = page.seat.either("-o diff", ":diff");
        page.put(Ink::Faint, &format!("     and {more} more; {how} shows them")).end();
    }
}

fn side(page: &mut Page, ink: Ink, text: Option<&str>) {
    match text {
        Some(text) => page.put(ink, text),
        None => page.put(Ink::Faint, "nothing"),
    };
}

/// One line for the groups that are not shown.
pub fn rest(page: &mut Page, groups: &[Group]) {
    if !groups.is_empty() {
        let members: usize = groups.iter().map(|group| group.members.len()).sum();
        let groups = crowd::counted(groups.len(), "smaller group");
        let replicas = crowd::count(members);
        let how = page.seat.either("-o table", ":all");
        let line = format!("and {groups}, {replicas}; {how} shows each replica");
        page.end().put(Ink::Faint, &line).end();
    }
}

/// The sign of a class, for people who cannot see colour as well.
pub fn sign(class: Class) -> (&'static str, Ink) {
    match class {
        Class::Ok => ("●", Ink::Good),
        Class::Raised => ("✗", Ink::Bad),
        Class::Refused => ("⊘", Ink::Bad),
        Class::Unreachable => ("⌁", Ink::Bad),
        Class::NotStarted => ("–", Ink::Warn),
        Class::Unknown => ("?", Ink::Warn),
    }
}
