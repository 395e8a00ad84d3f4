//! A group's difference from the majority, path by path.

mod common;

use common::{answer, printing};
use prepl_core::{Answer, Stream};
use prepl_fold::{Comparison, Difference, MAX_CHANGES, PathStep, difference, fold};
use proptest::prelude::*;

fn between(from: Answer, to: Answer, comparison: Comparison) -> Difference {
    let folded = fold(&[from, to], comparison);
    difference(&folded.ok[0], &folded.ok[1], comparison)
}

/// Changes as `path: from → to`, with `-` for a side that is not there.
fn changes(from: &str, to: &str) -> Vec<String> {
    shown(&between(answer(0, from), answer(1, to), Comparison::Canonical))
}

fn shown(difference: &Difference) -> Vec<String> {
    let side = |side: &Option<String>| side.clone().unwrap_or("-".into());
    let step = |step: &PathStep| match step {
        PathStep::Form(form) => format!("form {form}"),
        PathStep::Output(stream) => format!("{stream:?}"),
        PathStep::Key(key) => key.clone(),
        PathStep::Index(index) => index.to_string(),
        PathStep::Member => "member".into(),
        PathStep::Line(line) => format!("line {line}"),
    };
    let one = |change: &prepl_fold::Change| {
        let path: Vec<_> = change.path.iter().map(step).collect();
        format!("{}: {} → {}", path.join(" "), side(&change.from), side(&change.to))
    };
    difference.changes.iter().map(one).collect()
}

#[test]
fn maps_differ_by_key() {
    let (from, to) = ("{:gen 118 :old 1 :same 2}", "{:same 2 :gen 117 :new {:a 1}}");
    assert_eq!(changes(from, to), [":gen: 118 → 117", ":new: - → {:a 1}", ":old: 1 → -"]);
}

#[test]
fn nested_values_differ_by_path() {
    let (from, to) = ("{:a [1 {\"b\" #t/x (1 2)}]}", "{:a [1 {\"b\" #t/x (1 3)} 4]}");
    assert_eq!(changes(from, to), [":a 1 \"b\" 1: 2 → 3", ":a 2: - → 4"]);
}

#[test]
fn sets_differ_by_member() {
    assert_eq!(changes("#{1 2}", "#{2 3}"), ["member: 1 → -", "member: - → 3"]);
}

#[test]
fn another_type_is_one_change() {
    assert_eq!(changes("[1]", "{:a 1}"), [": [1] → {:a 1}"]);
}

#[test]
fn unreadable_texts_differ_by_line() {
    let (from, to) = ("a b\nsame it is\nlast (", "new\na b\nsame it is\nlast )");
    assert_eq!(changes(from, to), ["line 1: - → new", "line 3: last ( → last )"]);
    assert_eq!(changes("some (", "some )"), [": some ( → some )"]);
}

#[test]
fn exact_answers_of_one_value_differ_as_text() {
    let found = between(answer(0, "[1 2]"), answer(1, "[1  2]"), Comparison::Exact);
    assert_eq!(shown(&found), [": [1 2] → [1  2]"]);
}

#[test]
fn shapes_differ_in_their_types() {
    let found = between(answer(0, "{:a 1 :b 1}"), answer(1, "{:a 2 :b \"x\"}"), Comparison::Shape);
    assert_eq!(shown(&found), [":b: int → string"]);
}

#[test]
fn printed_output_differs_by_line() {
    let from = printing(answer(0, "1"), Stream::Out, "a\nb\n");
    let to = printing(answer(1, "1"), Stream::Out, "a\nc\n");
    assert_eq!(shown(&between(from, to, Comparison::Canonical)), ["Out line 2: b → c"]);
    let from = printing(answer(0, "1"), Stream::Out, "a");
    let to = printing(answer(1, "1"), Stream::Out, "a\n");
    assert_eq!(shown(&between(from, to, Comparison::Canonical)), ["Out: a → a\n"]);
}

#[test]
fn a_value_that_is_missing_is_a_change_of_its_form() {
    let mut two = answer(1, "1");
    two.values.push(prepl_core::Value { form: 1, text: "2".into(), truncated: false });
    let found = between(answer(0, "1"), two, Comparison::Canonical);
    assert_eq!(shown(&found), ["form 1: - → 2"]);
}

#[test]
fn changes_beyond_the_most_are_counted() {
    let items =
        |n: usize| format!("[{}]", (n..n + 100).map(|i| format!("{i} ")).collect::<String>());
    let found = between(answer(0, &items(0)), answer(1, &items(1000)), Comparison::Canonical);
    assert_eq!((found.changes.len(), found.more), (MAX_CHANGES, 100 - MAX_CHANGES));
}

#[test]
fn ten_thousand_lines_are_compared_within_bounds() {
    let text = |word: &str| format!("{word} (\n").repeat(10_000);
    let found = between(answer(0, &text("a")), answer(1, &text("b")), Comparison::Canonical);
    assert_eq!(found.changes.len() + found.more, 10_000);
}

proptest! {
    #[test]
    fn different_answers_have_a_change_with_a_side(
        from in "([\\[\\]{}a1 \n]|:b){0,12}",
        to in "([\\[\\]{}a1 \n]|:b){0,12}",
    ) {
        for comparison in [Comparison::Exact, Comparison::Canonical, Comparison::Shape] {
            let folded = fold(&[answer(0, &from), answer(1, &to)], comparison);
            if let [majority, other] = folded.ok.as_slice() {
                let found = difference(majority, other, comparison);
                prop_assert!(!found.changes.is_empty());
                let has_side = |change: &prepl_fold::Change| change.from != change.to;
                prop_assert!(found.changes.iter().all(has_side), "{:?}", found);
            }
        }
    }
}
