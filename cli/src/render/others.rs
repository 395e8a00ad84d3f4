//! The groups without a value: raised, refused, unreachable, not started, unknown.

use prepl_core::{Class, Outcome, ReplicaIndex};
use prepl_fold::{RaisedGroup, SilentGroup};

use super::fold::sign;
use super::page::{Ink, Page, Seat};
use super::{Results, crowd, group, sentence};

/// Frames shown of one exception.
const MAX_FRAMES: usize = 3;

/// Replicas of a group whose output is shown.
const MAX_OUTPUTS: usize = 3;

const INDENT: (Ink, &str) = (Ink::Plain, "   ");

/// Renders them, the largest groups of each class.
pub fn render(page: &mut Page, results: &Results, max_groups: usize) {
    let folded = &results.folded;
    let any = !folded.raised.is_empty() || !folded.silent.is_empty();
    if any && !folded.ok.is_empty() {
        page.end();
    }
    let (raised, more) = first(&folded.raised, max_groups);
    raised.iter().for_each(|one| raised_group(page, results, one));
    rest(page, Class::Raised, more.iter().map(|one| one.members.len()));
    for class in Class::ALL {
        let of_class: Vec<_> =
            folded.silent.iter().filter(|one| one.outcome.class() == class).collect();
        let (silent, more) = first(&of_class, max_groups);
        silent.iter().for_each(|one| silent_group(page, results, one));
        rest(page, class, more.iter().map(|one| one.members.len()));
    }
}

fn first<T>(groups: &[T], max_groups: usize) -> (&[T], &[T]) {
    groups.split_at(groups.len().min(max_groups.max(1)))
}

fn rest(page: &mut Page, class: Class, members: impl Iterator<Item = usize>) {
    let members: Vec<_> = members.collect();
    if !members.is_empty() {
        let groups = crowd::counted(members.len(), "smaller group");
        let replicas = crowd::count(members.iter().sum());
        page.put(Ink::Faint, &format!("  and {groups} {class}, {replicas}")).end();
    }
}

fn title(page: &mut Page, results: &Results, class: Class, members: &[ReplicaIndex]) {
    let (sign, ink) = sign(class);
    page.put(ink, &format!("{sign} {class}"));
    page.put(Ink::Plain, &format!("  {}", group::who(results, members, 0))).end();
    let names = crowd::names(&results.selection, members);
    page.put(Ink::Plain, "   ").put(Ink::Plain, &names).end();
}

fn raised_group(page: &mut Page, results: &Results, one: &RaisedGroup) {
    title(page, results, Class::Raised, &one.members);
    let first = one.members.first().and_then(|index| results.answer(*index));
    group::output(page, &one.output, first.map_or(0, |answer| answer.done.output_bytes));
    if one.raised.is_empty() {
        page.put(Ink::Plain, "   ").put(Ink::Bad, &sentence::raised(None)).end();
    }
    for raised in &one.raised {
        page.block(INDENT, Ink::Bad, &sentence::raised(Some(raised)));
        if !raised.phase.is_empty() {
            page.put(Ink::Faint, &format!("     in phase {}", raised.phase)).end();
        }
        for frame in raised.trace.iter().take(MAX_FRAMES) {
            page.put(Ink::Faint, &format!("     at {frame}")).end();
        }
        let more = raised.trace.len().saturating_sub(MAX_FRAMES);
        if more > 0 {
            let how = page.seat.either("-o json", ":save");
            let line = format!("     and {}; {how} has all", crowd::counted(more, "frame"));
            page.put(Ink::Faint, &line).end();
        }
    }
}

/// Whose reason is shown, where the reasons of a group differ in their numbers.
fn whose(results: &Results, one: &SilentGroup) -> String {
    let reasons = one.members.iter().filter_map(|index| results.answer(*index));
    let alike = reasons.map(|answer| &answer.done.outcome).all(|outcome| *outcome == one.outcome);
    let first = one.members.first().filter(|_| !alike);
    first.map_or_else(String::new, |index| format!("{}: ", crowd::name(&results.selection, *index)))
}

fn silent_group(page: &mut Page, results: &Results, one: &SilentGroup) {
    title(page, results, one.outcome.class(), &one.members);
    if let Some(reason) = one.outcome.reason() {
        page.block(INDENT, Ink::Plain, &format!("{}{reason}", whose(results, one)));
    }
    for answer in one.members.iter().filter_map(|index| results.answer(*index)).take(MAX_OUTPUTS) {
        // How far it got.
        group::output(page, &answer.output, answer.done.output_bytes);
    }
    if let Outcome::Unknown { may_still_run, .. } = one.outcome {
        unknown(page, results, may_still_run);
    }
}

/// Where the end is known, there is no later answer to ask for.
fn unknown(page: &mut Page, results: &Results, may_still_run: bool) {
    let running =
        if may_still_run { "it may have run" } else { "it may have run in part, and has ended" };
    let line = format!("{running}: do not repeat it blindly");
    page.put(Ink::Plain, "   ").put(Ink::Warn, &line).end();
    if may_still_run {
        let again = match page.seat {
            Seat::Shell => format!("--request-id {}", results.request),
            Seat::Prompt => format!(":recall   (request {})", results.request),
            Seat::Recalled => return,
        };
        let line = format!("to ask for this answer and run nothing: {again}");
        page.put(Ink::Faint, "   ").put(Ink::Faint, &line).end();
    }
}
