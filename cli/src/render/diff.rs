//! `-o diff`: each minority against the majority, place by place.

use prepl_fold::{Group, difference};

use super::page::{Ink, Page};
use super::{Results, View, crowd, fold, group, others, split};

/// Renders the differences; equal answers are told in one line.
pub fn render(results: &Results, view: View) -> String {
    let mut page = Page::at(view.seat, view.colour);
    fold::heading(&mut page, results);
    if let Some((first, minorities)) = results.folded.ok.split_first() {
        let shown = &minorities[..minorities.len().min(view.max_groups)];
        shown.iter().for_each(|minority| pair(&mut page, results, first, minority));
        fold::rest(&mut page, &minorities[shown.len()..]);
        if !minorities.is_empty() {
            split::render(&mut page, results, &results.folded.ok);
        }
    }
    others::render(&mut page, results, view.max_groups);
    page.finish()
}

fn pair(page: &mut Page, results: &Results, majority: &Group, minority: &Group) {
    page.end();
    side(page, results, (Ink::Bad, "---"), majority);
    page.end();
    side(page, results, (Ink::Good, "+++"), minority);
    page.put(Ink::Plain, &format!("   {}", crowd::names(&results.selection, &minority.members)));
    page.end();
    let found = difference(majority, minority, results.folded.comparison);
    for change in &found.changes {
        let place = split::path(&change.path);
        let place = if place.is_empty() { "value" } else { &place };
        page.put(Ink::Member(0), &format!("@@ {place} @@")).end();
        if let Some(from) = &change.from {
            page.block((Ink::Bad, "-"), Ink::Bad, from);
        }
        if let Some(to) = &change.to {
            page.block((Ink::Good, "+"), Ink::Good, to);
        }
    }
    if found.more > 0 {
        page.put(Ink::Faint, &format!("and {} more", found.more)).end();
    }
}

fn side(page: &mut Page, results: &Results, (ink, mark): (Ink, &str), group: &Group) {
    let who = group::who(results, &group.members, fold::count_columns(results));
    page.put(ink, mark).put(Ink::Strong, &format!(" {}", group.letter));
    page.put(Ink::Plain, &format!("  {who}"));
}
