//! What the answers as a whole tell.

use std::sync::Arc;

use prepl_core::{Answer, Class, Outcome, ReplicaIndex, RequestId, RunId, Selection, Summary};
use prepl_fold::Comparison;

use crate::render::page::Seat;
use crate::render::safe::{self, Layout};
use crate::render::{self, Results, View, crowd};

/// Groups of answers that are shown where they differ.
const MAX_GROUPS: usize = 10;
/// The namespace that clients are told where there is none: some need one.
const NAMELESS: &str = "user";

/// The namespace in which all that told one are.
pub fn namespace(answers: &[Answer]) -> Option<Arc<str>> {
    let mut told = answers.iter().filter_map(|answer| answer.done.namespace.as_ref());
    let first = told.next()?;
    told.all(|other| other == first).then(|| Arc::clone(first))
}

/// The namespace as clients are told it.
pub fn place(namespace: Option<&str>) -> String {
    safe::text(namespace.unwrap_or(NAMELESS), Layout::Line)
}

/// Replicas whose end is not told by an exception or a value.
pub fn silent(answers: &[Answer]) -> Vec<(ReplicaIndex, &Outcome)> {
    let silent = answers.iter().filter(|answer| match answer.class() {
        Class::Ok => false,
        Class::Raised => answer.raised.is_empty(),
        _ => true,
    });
    silent.map(|answer| (answer.replica, &answer.done.outcome)).collect()
}

/// Whether a replica refused it as there is no such namespace.
pub fn lacks_namespace(outcome: &Outcome) -> bool {
    let refused = matches!(outcome, Outcome::Refused(_));
    // The words of the sidecar's drivers.
    refused && outcome.reason().is_some_and(|reason| reason.as_str().contains("no namespace"))
}

/// Sentences of the sidecars, each with who said it.
pub fn notices(selection: &Selection, answers: &[Answer]) -> Option<String> {
    let mut told: Vec<(&str, Vec<ReplicaIndex>)> = Vec::new();
    for answer in answers {
        for notice in &answer.notices {
            match told.iter_mut().find(|(text, _)| **text == **notice) {
                Some((_, members)) => members.push(answer.replica),
                None => told.push((notice, vec![answer.replica])),
            }
        }
    }
    let lines = told.iter().map(|(text, members)| {
        let who = match members.len() == selection.len() {
            true => String::new(),
            false => format!("{}: ", crowd::names(selection, members)),
        };
        format!(";; prepl: {}\n", safe::text(&format!("{who}{text}"), Layout::Line))
    });
    (!told.is_empty()).then(|| lines.collect())
}

/// The screen that `exec` shows of values that differ.
pub fn differences(
    selection: &Selection,
    answers: &[Answer],
    summary: Summary,
    (run, request): (RunId, RequestId),
) -> Option<String> {
    let ok = answers.iter().filter(|answer| answer.class() == Class::Ok);
    // What was printed has been told.
    let ok = ok.map(|answer| Answer { output: Vec::new(), ..answer.clone() });
    let (selection, comparison) = (selection.clone(), Comparison::Canonical);
    let results = Results::new(selection, ok.collect(), summary, run, request, comparison);
    let view =
        View { colour: false, on_terminal: false, max_groups: MAX_GROUPS, seat: Seat::Shell };
    (results.folded.ok.len() > 1).then(|| render::fold::render(&results, view))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::{Reason, Refusal};

    fn answers(all: Vec<Answer>) -> (Selection, Vec<Answer>) {
        let results = example::results(example::api_fleet(all.len()), all);
        (results.selection, results.answers)
    }

    #[test]
    fn a_namespace_is_told_when_all_are_there() {
        let mut all = vec![example::ok("1"), example::ok("1"), example::ok("1")];
        all[0].done.namespace = Some("shop".into());
        all[2].done.namespace = Some("shop".into());
        assert_eq!(namespace(&all).as_deref(), Some("shop"));
        all[2].done.namespace = Some("user".into());
        assert_eq!(namespace(&all), None);
        assert_eq!((place(Some("a\u{1b}")), place(None)), ("a\\x1b".into(), "user".into()));
    }

    #[test]
    fn notices_name_who_said_them() {
        let mut all = vec![example::ok("1"), example::ok("1")];
        all[0].notices = vec!["output cut".into(), "slow".into()];
        all[1].notices = vec!["slow".into()];
        let (selection, all) = answers(all);
        insta::assert_snapshot!(notices(&selection, &all).unwrap(), @r"
        ;; prepl: api-6f7c9-00: output cut
        ;; prepl: slow
        ");
        assert_eq!(notices(&selection, &[]), None);
    }

    #[test]
    fn a_refusal_for_want_of_the_namespace_is_known() {
        let refused = |words: &str| Outcome::Refused(Refusal::Limit(Reason::new(words)));
        assert!(lacks_namespace(&refused("the runtime has no namespace shop; load it first")));
        assert!(!lacks_namespace(&refused("too many evaluations")));
        assert!(!lacks_namespace(&Outcome::unknown("no namespace")));
    }

    #[test]
    fn an_exception_is_no_silence() {
        let raised = example::raised("a.E", "x");
        let (_, all) = answers(vec![example::ok("1"), raised, example::ended(Outcome::Raised)]);
        assert_eq!(silent(&all), [(ReplicaIndex(2), &Outcome::Raised)]);
    }
}
