//! What went wrong, in words: once where it is the same everywhere, else a line for each replica.

use prepl_core::{Outcome, Raised, ReplicaIndex, Selection};

use crate::render::safe::{self, Layout};
use crate::render::{crowd, sentence};
use crate::serve::reply::Reply;

/// Replicas named one by one; more are counted.
const MAX_LINES: usize = 50;
/// Frames of a trace that is the same everywhere.
const MAX_FRAMES: usize = 3;

/// The lines about exceptions of one form.
pub fn raised(selection: &Selection, all: &[(ReplicaIndex, &Raised)]) -> String {
    let words = |raised: &Raised| sentence::raised(Some(raised));
    match all {
        [(_, first), ..] if all.len() == selection.len() && same(all, words) => {
            let frames = first.trace.iter().take(MAX_FRAMES);
            let frames: String = frames
                .map(|frame| format!("    at {}\n", safe::text(frame, Layout::Line)))
                .collect();
            format!(
                "{}{}\n{frames}",
                safe::text(&words(first), Layout::Block),
                everywhere(selection)
            )
        }
        _ => lines(selection, all.iter().map(|(index, raised)| (*index, words(raised)))),
    }
}

/// The lines about replicas that gave no answer.
pub fn silent(selection: &Selection, all: &[(ReplicaIndex, &Outcome)]) -> String {
    let words = |outcome: &Outcome| {
        let reason = outcome.reason().map_or("", |reason| reason.as_str());
        format!("{}: {reason}", outcome.class())
    };
    match all {
        [(_, first), ..] if all.len() == selection.len() && same(all, words) => {
            format!("{}{}\n", safe::text(&words(first), Layout::Line), everywhere(selection))
        }
        _ => lines(selection, all.iter().map(|(index, outcome)| (*index, words(outcome)))),
    }
}

/// The message that makes it an error in an editor.
pub fn raised_error(raised: &Raised) -> Reply {
    let class = safe::text(&raised.class, Layout::Line);
    error(match &*class {
        "" => "error".to_owned(),
        java if java.contains('.') => format!("class {java}"),
        other => other.to_owned(),
    })
}

/// The same for a replica that gave no answer.
pub fn silent_error(outcome: &Outcome) -> Reply {
    error(format!("prepl/{}", outcome.class().as_str().replace(' ', "-")))
}

fn error(kind: String) -> Reply {
    Reply::status(["eval-error"]).with("ex", kind.clone()).with("root-ex", kind)
}

fn same<T: ?Sized>(all: &[(ReplicaIndex, &T)], words: impl Fn(&T) -> String) -> bool {
    let mut words = all.iter().map(|(_, one)| words(one));
    let first = words.next();
    words.all(|other| Some(other) == first)
}

fn everywhere(selection: &Selection) -> String {
    match selection.len() {
        1 => String::new(),
        all => format!(" (all {})", crowd::count(all)),
    }
}

fn lines(
    selection: &Selection,
    all: impl ExactSizeIterator<Item = (ReplicaIndex, String)>,
) -> String {
    let rest = all.len().saturating_sub(MAX_LINES);
    let line = |(index, words): (ReplicaIndex, String)| {
        let line = format!("{}: {words}", crowd::name(selection, index));
        safe::text(&line, Layout::Line) + "\n"
    };
    let mut text: String = all.take(MAX_LINES).map(line).collect();
    if rest > 0 {
        text += &format!("and {} more\n", crowd::count(rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::Reason;

    fn exception(message: &str) -> Raised {
        let answer = example::raised("java.lang.ArithmeticException", message);
        answer.raised[0].clone()
    }

    #[test]
    fn what_is_the_same_everywhere_is_told_once_with_where() {
        let selection = Selection::of(example::api_fleet(3));
        let one = exception("Divide by zero");
        let all: Vec<_> = selection.indexed().map(|(index, _)| (index, &one)).collect();
        insta::assert_snapshot!(raised(&selection, &all), @r"
        java.lang.ArithmeticException: Divide by zero (all 3 replicas)
            at shop.locks/release-stale-locks! (locks.clj:88)
        ");
        let alone = Selection::of(example::api_fleet(1));
        let text = raised(&alone, &all[..1]);
        assert!(text.starts_with("java.lang.ArithmeticException: Divide by zero\n"), "{text}");
    }

    #[test]
    fn what_is_not_names_each_replica() {
        let selection = Selection::of(example::api_fleet(3));
        let (one, other) = (exception("one"), exception("two\n\u{1b}[2J"));
        let all = [(ReplicaIndex(0), &one), (ReplicaIndex(2), &other)];
        insta::assert_snapshot!(raised(&selection, &all), @r"
        api-6f7c9-00: java.lang.ArithmeticException: one
        api-6f7c9-02: java.lang.ArithmeticException: two\n\x1b[2J
        ");
        let lost = Outcome::unknown("the connection broke");
        let text = silent(&selection, &[(ReplicaIndex(1), &lost)]);
        assert_eq!(text, "api-6f7c9-01: unknown: the connection broke\n");
    }

    #[test]
    fn a_crowd_is_counted() {
        let selection = Selection::of(example::api_fleet(80));
        let gone = Outcome::NotStarted(Reason::new("x"));
        let some: Vec<_> = selection.indexed().take(70).map(|(index, _)| (index, &gone)).collect();
        let text = silent(&selection, &some);
        assert_eq!(text.lines().count(), MAX_LINES + 1);
        assert!(text.ends_with("and 20 replicas more\n"), "{text}");
    }

    #[test]
    fn an_editor_is_told_the_class() {
        let reply = raised_error(&exception("x"));
        assert_eq!(reply.text("ex"), "class java.lang.ArithmeticException");
        assert!(reply.says("eval-error"));
        assert_eq!(raised_error(&Raised::default()).text("root-ex"), "error");
        let gone = Outcome::NotStarted(Reason::new("x"));
        assert_eq!(silent_error(&gone).text("ex"), "prepl/not-started");
    }
}
