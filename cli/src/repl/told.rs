//! Lines about the members: who they are, who came and went, what is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use prepl_core::{Replica, Selection};
use prepl_gateway::gateway::Described;

use crate::members::Change;
use crate::quantity::show_duration;
use crate::render::crowd;
use crate::render::page::{Ink, Page};
use crate::render::safe::{self, Layout};
use crate::talk::Learned;

/// Names shown of one kind of change; the rest is counted.
const MAX_NAMES: usize = 5;
/// Names of those who are asked, where the user wants to see them.
const MAX_WHO: usize = 10;

/// `12 replicas · clojure 1.12.0 · may write`, for the replicas that are asked.
pub fn who(selection: &Selection, told: &[Described], read_only: bool) -> String {
    let mut runtimes: BTreeMap<String, usize> = BTreeMap::new();
    for description in told.iter().flatten() {
        // What else a version tells differs by the protocol that is spoken there.
        let version = description.runtime_version.split(' ').next().unwrap_or_default();
        let words = [&*description.language, version].into_iter().filter(|word| !word.is_empty());
        let runtime = safe::text(&words.collect::<Vec<_>>().join(" "), Layout::Line);
        let runtime = if runtime.is_empty() { "a runtime of no name".into() } else { runtime };
        *runtimes.entry(runtime).or_default() += 1;
    }
    let silent = told.iter().filter(|one| one.is_err()).count();
    let mut parts = vec![crowd::count(selection.len())];
    match runtimes.len() {
        0 => {}
        1 => parts.extend(runtimes.into_keys()),
        _ => {
            let counted = runtimes.iter().map(|(runtime, count)| format!("{runtime} ×{count}"));
            parts.push(format!("mixed: {}", counted.collect::<Vec<_>>().join(", ")));
        }
    }
    if silent > 0 {
        parts.push(format!("{silent} cannot answer"));
    }
    parts.push(mode(read_only).to_owned());
    parts.join(" · ")
}

/// Whether evaluations are kept from writing.
pub fn mode(read_only: bool) -> &'static str {
    if read_only { "read-only" } else { "may write" }
}

/// How long an evaluation may take.
pub fn time(time: Duration) -> String {
    let time = match time.subsec_millis() {
        0 if time.as_secs() < 60 => format!("{} s", time.as_secs()),
        _ => show_duration(time),
    };
    format!("an evaluation may take {time}")
}

/// Who is asked by name, and how.
pub fn who_and_how(first: &str, asked: &Selection, longest: Duration) -> String {
    let names: Vec<_> = asked.indexed().map(|(index, _)| crowd::name(asked, index)).collect();
    let mut page = Page::new(false);
    page.put(Ink::Plain, first).end();
    if !names.is_empty() {
        page.put(Ink::Plain, &few(&names, MAX_WHO)).end();
    }
    page.put(Ink::Plain, &time(longest)).end();
    page.finish()
}

/// Which of the members are asked.
pub fn asked(asked: &Selection, members: &Selection) -> String {
    let names: Vec<_> = asked.indexed().map(|(index, _)| crowd::name(asked, index)).collect();
    let of = match asked.len() == members.len() {
        true => crowd::count(members.len()),
        false => format!("{} of {}", asked.len(), crowd::count(members.len())),
    };
    let mut page = Page::new(false);
    page.put(Ink::Plain, &format!("{of}: {}", some(&names))).end();
    page.finish()
}

/// One line about who came and went; empty when nobody did.
pub fn change(change: &Change, now: &Selection, colour: bool) -> String {
    let name = |replica: &Replica| name(now, replica);
    let is_in = |all: &[Replica], one: &Replica| all.iter().any(|other| name(other) == name(one));
    let (replaced, joined): (Vec<_>, Vec<_>) =
        change.joined.iter().partition(|one| is_in(&change.left, one));
    let left = change.left.iter().filter(|one| !is_in(&change.joined, one));
    let said = [
        ("joined", joined.into_iter().map(name).collect::<Vec<_>>()),
        ("left", left.map(name).collect()),
        ("replaced", replaced.into_iter().map(name).collect()),
    ];
    let said = said.into_iter().filter(|(_, names)| !names.is_empty());
    let said: Vec<_> = said.map(|(what, names)| format!("{} {what}", some(&names))).collect();
    if said.is_empty() {
        return String::new();
    }
    let line = format!("{}; {} now", said.join(", "), crowd::count(now.len()));
    noted(&line, colour)
}

/// Lines about what an evaluation showed of the session.
pub fn learned(learned: &Learned, asked: &Selection, colour: bool) -> String {
    let name = |replica: &Replica| name(asked, replica);
    let mut text = String::new();
    if !learned.lost.is_empty() {
        let names: Vec<_> = learned.lost.iter().map(name).collect();
        let line = format!(
            "state lost on {}: the session began anew; *1 and the namespace there are new",
            some(&names)
        );
        text += &noted(&line, colour);
    }
    let mut strayed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (replica, namespace) in &learned.strayed {
        strayed.entry(namespace).or_default().push(name(replica));
    }
    for (namespace, names) in strayed.into_iter().take(MAX_NAMES) {
        let line = format!("{} went to {namespace}; the session stays where it is", some(&names));
        text += &noted(&line, colour);
    }
    text
}

/// A line of the prompt's own, between the answers.
pub fn noted(line: &str, colour: bool) -> String {
    let mut page = Page::new(colour);
    page.put(Ink::Warn, "·").put(Ink::Faint, &format!(" {line}")).end();
    page.finish()
}

/// With its namespace where the others have several.
fn name(all: &Selection, replica: &Replica) -> String {
    match crowd::has_namespaces(all) {
        true => replica.id.to_string(),
        false => replica.id.name.to_string(),
    }
}

fn some(names: &[String]) -> String {
    few(names, MAX_NAMES)
}

fn few(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Outcome, Reason};

    use crate::render::example;

    #[test]
    fn a_runtime_cannot_drive_the_terminal() {
        let selection = Selection::of(example::api_fleet(1));
        let told = [Ok(example::runtime("clo\x1b[2Jjure", "1\u{202e}2"))];
        let first = who(&selection, &told, false);
        assert!(!first.contains(['\x1b', '\u{202e}']), "{first:?}");
    }

    #[test]
    fn the_first_line_tells_runtimes_and_whether_they_are_mixed() {
        let selection = Selection::of(example::api_fleet(3));
        let clojure = || Ok(example::runtime("clojure", "1.12.0"));
        let same = [clojure(), clojure(), clojure()];
        assert_eq!(who(&selection, &same, true), "3 replicas · clojure 1.12.0 · read-only");
        let down = Err(Outcome::Unreachable(Reason::new("refused")));
        let mixed = [clojure(), Ok(example::runtime("rhai", "")), down];
        assert_eq!(
            who(&selection, &mixed, false),
            "3 replicas · mixed: clojure 1.12.0 ×1, rhai ×1 · 1 cannot answer · may write"
        );
    }

    #[test]
    fn names_and_the_time_are_told_too() {
        let fleet = Selection::of(example::api_fleet(12));
        let told = who_and_how("12 replicas", &fleet, Duration::from_secs(30));
        assert!(told.starts_with("12 replicas\napi-6f7c9-00, "), "{told}");
        assert!(told.ends_with("09 and 2 more\nan evaluation may take 30 s\n"), "{told}");
        assert_eq!(time(Duration::from_millis(1500)), "an evaluation may take 1.5 s");
    }

    #[test]
    fn who_came_and_went_is_one_line() {
        let fleet = example::api_fleet(4);
        let mut another = fleet[1].clone();
        another.id.uid = "another".into();
        let told = change(
            &Change {
                joined: vec![fleet[3].clone(), another],
                left: vec![fleet[0].clone(), fleet[1].clone()],
            },
            &Selection::of(fleet[1..].to_vec()),
            false,
        );
        assert_eq!(
            told,
            "· api-6f7c9-03 joined, api-6f7c9-00 left, api-6f7c9-01 replaced; \
             3 replicas now\n"
        );
        let nobody = Change::default();
        assert_eq!(change(&nobody, &Selection::of(fleet), false), "");
    }

    #[test]
    fn many_names_are_counted() {
        let fleet = example::api_fleet(9);
        let joined = Change { joined: fleet.clone(), left: Vec::new() };
        let told = change(&joined, &Selection::of(fleet), false);
        assert!(told.contains("api-6f7c9-04 and 4 more joined; 9 replicas now"), "{told}");
    }

    #[test]
    fn lost_state_and_strays_are_told() {
        let fleet = example::api_fleet(3);
        let told = Learned {
            lost: vec![fleet[0].clone()],
            strayed: vec![(fleet[1].clone(), "x".into()), (fleet[2].clone(), "x".into())],
        };
        insta::assert_snapshot!(learned(&told, &Selection::of(fleet.clone()), false), @r"
        · state lost on api-6f7c9-00: the session began anew; *1 and the namespace there are new
        · api-6f7c9-01, api-6f7c9-02 went to x; the session stays where it is
        ");
        assert_eq!(learned(&Learned::default(), &Selection::of(fleet), false), "");
    }
}
