//! One form's place in the answers of all: equal values are one, others a map by replica.

use std::collections::HashMap;
use std::sync::Arc;

use prepl_bencode::Value as Bencode;
use prepl_core::{Class, Outcome, Raised, ReplicaIndex, Selection};
use prepl_fold::{Value, canonical, read};

use crate::render::{crowd, safe, sentence};
use crate::serve::reply::Reply;

/// Longest text that is read as a value; longer ones compare as text.
const MAX_READ: usize = 1 << 20;

/// What a form came to on one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Its value as it was printed, and whether that was cut.
    Value(Arc<str>, bool),
    /// It threw, or does not compile.
    Raised(Raised),
}

/// What stands for one replica in the place of a form.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// It came there.
    Slot(&'a Slot),
    /// It ended before.
    Ended(&'a Outcome),
}

/// The one value that a client is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// A value as the runtimes print it, or a map by replica.
    pub text: String,
    /// Something of it was left out.
    pub truncated: bool,
    /// Replicas gave different values.
    pub differs: bool,
}

impl Shown {
    /// As a message, without a namespace.
    pub fn reply(self) -> Reply {
        let reply = Reply::default().with("value", self.text);
        if !self.truncated {
            return reply;
        }
        reply
            .with("status", Bencode::list(["nrepl.middleware.print/truncated"]))
            .with("nrepl.middleware.print/truncated-keys", Bencode::list(["value"]))
    }
}

/// Folds the values of one form; `None` where no replica gave one.
///
/// The text has at most `quota` bytes; what is left out is told.
pub fn shown(
    selection: &Selection,
    entries: &[(ReplicaIndex, Entry<'_>)],
    quota: usize,
) -> Option<Shown> {
    let values = entries.iter().filter_map(|(_, entry)| match entry {
        Entry::Slot(Slot::Value(text, truncated)) => Some((text, *truncated)),
        _ => None,
    });
    let values: Vec<_> = values.collect();
    let (first, truncated) = *values.first()?;
    let mut meanings = Meanings::default();
    let meant = meanings.of(first, truncated);
    let differs = values.iter().any(|(text, truncated)| meanings.of(text, *truncated) != meant);
    if differs || values.len() < selection.len() {
        let (text, truncated) = map(selection, entries, quota);
        return Some(Shown { text, truncated, differs });
    }
    let text = safe::json(first);
    let kept = text.floor_char_boundary(quota);
    let cut = kept < text.len();
    Some(Shown { text: text[..kept].to_owned(), truncated: truncated || cut, differs })
}

/// What texts mean, each read once.
#[derive(Default)]
struct Meanings(HashMap<(Arc<str>, bool), Arc<str>>);

impl Meanings {
    fn of(&mut self, text: &Arc<str>, truncated: bool) -> (Arc<str>, bool) {
        let meaning = self.0.entry((Arc::clone(text), truncated)).or_insert_with(|| {
            match read(text, MAX_READ).filter(|_| !truncated) {
                Some(value) => canonical(&value).into(),
                None => Arc::clone(text),
            }
        });
        (Arc::clone(meaning), truncated)
    }
}

/// `{"api-1" 3, "api-2" {:prepl/error "…"}}`, and whether entries were left out.
fn map(
    selection: &Selection,
    entries: &[(ReplicaIndex, Entry<'_>)],
    quota: usize,
) -> (String, bool) {
    let mut text = "{".to_owned();
    let mut left_out = false;
    for (index, entry) in entries {
        let Some(told) = entry.told() else { continue };
        let name = canonical(&Value::Str(crowd::name(selection, *index)));
        let comma = if text.len() > 1 { ", " } else { "" };
        let pair = format!("{comma}{name} {told}");
        // The closing bracket has its place always.
        if text.len() + pair.len() < quota {
            text += &pair;
        } else {
            left_out = true;
        }
    }
    (text + "}", left_out)
}

impl Entry<'_> {
    /// What stands in the map; nothing for a replica that ended well and had fewer forms.
    fn told(self) -> Option<String> {
        Some(match self {
            Entry::Slot(Slot::Value(text, false)) => edn(text),
            Entry::Slot(Slot::Value(text, true)) => format!("{{:prepl/cut {}}}", literal(text)),
            Entry::Slot(Slot::Raised(raised)) => {
                format!("{{:prepl/error {}}}", literal(&sentence::raised(Some(raised))))
            }
            Entry::Ended(outcome) => match outcome.class() {
                Class::Ok => return None,
                // It raised at an earlier form, and its runtime does not go on after that.
                Class::Raised => ":prepl/stopped".to_owned(),
                Class::Refused => ":prepl/refused".to_owned(),
                Class::Unreachable => ":prepl/unreachable".to_owned(),
                Class::NotStarted => ":prepl/not-started".to_owned(),
                Class::Unknown => ":prepl/unknown".to_owned(),
            },
        })
    }
}

/// The value as EDN: its own text where that is EDN, else as a string.
fn edn(text: &str) -> String {
    crate::render::edn::own_words(text)
        .map_or_else(|| literal(text), |value| safe::json(&canonical(&value)))
}

fn literal(text: &str) -> String {
    safe::json(&canonical(&Value::Str(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::{Reason, Refusal};

    fn value(text: &str) -> Slot {
        Slot::Value(text.into(), false)
    }

    fn of(slots: &[Slot], quota: usize) -> Shown {
        let selection = Selection::of(example::api_fleet(slots.len()));
        let entries = slots.iter().enumerate();
        let entries: Vec<_> =
            entries.map(|(at, slot)| (ReplicaIndex(at as u32), Entry::Slot(slot))).collect();
        shown(&selection, &entries, quota).unwrap()
    }

    #[test]
    fn equal_values_are_one() {
        let same = of(&[value("{:a 1, :b 2}"), value("{:b 2 :a 1}")], 99);
        assert_eq!(same, Shown { text: "{:a 1, :b 2}".into(), truncated: false, differs: false });
        assert_eq!(of(&[value("clj"), value("clj")], 99).text, "clj");
    }

    #[test]
    fn different_values_are_a_map_that_can_be_read() {
        let raised =
            Raised { class: "a.E".into(), message: "no \"x\"".into(), ..Raised::default() };
        let slots =
            [value("3"), value("#object[x"), Slot::Raised(raised), Slot::Value("(1".into(), true)];
        let shown = of(&slots, 999);
        insta::assert_snapshot!(shown.text, @r##"{"api-6f7c9-00" 3, "api-6f7c9-01" "#object[x", "api-6f7c9-02" {:prepl/error "a.E: no \"x\""}, "api-6f7c9-03" {:prepl/cut "(1"}}"##);
        assert!(shown.differs && read(&shown.text, 999).is_some());
    }

    #[test]
    fn replicas_without_a_value_stand_in_the_map() {
        let selection = Selection::of(example::api_fleet(4));
        let reason = || Reason::new("x");
        let ended = [
            Outcome::Unreachable(reason()),
            Outcome::Refused(Refusal::Limit(reason())),
            Outcome::Ok,
        ];
        let three = value("3");
        let mut entries = vec![(ReplicaIndex(0), Entry::Slot(&three))];
        for (outcome, at) in ended.iter().zip(1..) {
            entries.push((ReplicaIndex(at), Entry::Ended(outcome)));
        }
        let shown = shown(&selection, &entries, 999).unwrap();
        insta::assert_snapshot!(shown.text, @r#"{"api-6f7c9-00" 3, "api-6f7c9-01" :prepl/unreachable, "api-6f7c9-02" :prepl/refused}"#);
        assert!(!shown.differs);
        assert_eq!(super::shown(&selection, &entries[1..], 999), None);
    }

    #[test]
    fn the_quota_holds_for_all_together_and_a_cut_is_told() {
        let long = value("\"ééééé\"");
        let one = of(&[long.clone(), long.clone()], 4);
        assert_eq!((&*one.text, one.truncated), ("\"é", true));
        let map = of(&[long, value("1")], 24);
        assert_eq!((&*map.text, map.truncated), ("{\"api-6f7c9-01\" 1}", true));
    }

    #[test]
    fn nothing_in_a_value_drives_a_terminal() {
        let escape = value("\"\u{1b}[2J\"");
        assert_eq!(of(&[escape.clone(), escape.clone()], 99).text, r#""\u001b[2J""#);
        assert!(!of(&[escape, value("1")], 99).text.contains('\u{1b}'));
    }
}
