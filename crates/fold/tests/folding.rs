//! Equal answers stand together, each in exactly one group.

mod common;

use std::time::Instant;

use common::{answer, ended, places, printing, raised};
use prepl_core::{Answer, Outcome, Reason, Refusal, ReplicaIndex, Stream};
use prepl_fold::{Comparison, Folded, fold};
use proptest::prelude::*;

fn members(folded: &Folded) -> Vec<Vec<ReplicaIndex>> {
    let ok = folded.ok.iter().map(|group| group.members.clone());
    let raised = folded.raised.iter().map(|group| group.members.clone());
    let silent = folded.silent.iter().map(|group| group.members.clone());
    ok.chain(raised).chain(silent).collect()
}

#[test]
fn the_majority_comes_first_and_ties_by_the_first_replica() {
    let answers = [answer(0, "1"), answer(1, "2"), answer(2, "3"), answer(3, "3")];
    let folded = fold(&answers, Comparison::Canonical);
    assert_eq!(members(&folded), [places([2, 3]), places([0]), places([1])]);
    let letters: Vec<_> = folded.ok.iter().map(|group| group.letter.as_str()).collect();
    assert_eq!(letters, ["A", "B", "C"]);
}

#[test]
fn each_comparison_sees_its_own_equality() {
    let answers = [
        answer(0, "{:a 1 :b [1]}"),
        answer(1, "{:b [1], :a 1}"),
        answer(2, "{:a 2 :b [3 4]}"),
        answer(3, "{:a 2}"),
    ];
    let groups = |comparison| members(&fold(&answers, comparison));
    assert_eq!(groups(Comparison::Exact).len(), 4);
    assert_eq!(groups(Comparison::Canonical), [places([0, 1]), places([2]), places([3])]);
    assert_eq!(groups(Comparison::Shape), [places([0, 1, 2]), places([3])]);
}

#[test]
fn equal_values_have_one_digest_whatever_their_order() {
    let digest = |text| fold(&[answer(0, text)], Comparison::Canonical).ok[0].digest;
    assert_eq!(digest("#{1 2}"), digest("#{2 1}"));
    assert_ne!(digest("#{1 2}"), digest("#{1 3}"));
}

#[test]
fn printed_output_separates_but_not_how_it_was_cut() {
    let whole = printing(answer(0, "nil"), Stream::Out, "ab");
    let pieces = printing(printing(answer(1, "nil"), Stream::Out, "a"), Stream::Out, "b");
    let on_err = printing(answer(2, "nil"), Stream::Err, "ab");
    let folded = fold(&[whole, pieces, on_err, answer(3, "nil")], Comparison::Shape);
    assert_eq!(members(&folded), [places([0, 1]), places([2]), places([3])]);
}

#[test]
fn a_cut_value_is_not_equal_to_a_whole_one() {
    let mut cut = answer(0, "12");
    cut.values[0].truncated = true;
    let folded = fold(&[cut, answer(1, "12")], Comparison::Canonical);
    assert_eq!(folded.ok.len(), 2);
    assert!(folded.ok[0].values[0].truncated);
}

#[test]
fn cut_values_compare_as_text_even_where_they_can_be_read() {
    let mut answers = [answer(0, "#{1 2}"), answer(1, "#{2 1}")];
    answers.iter_mut().for_each(|answer| answer.values[0].truncated = true);
    assert_eq!(fold(&answers, Comparison::Canonical).ok.len(), 2);
}

#[test]
fn exceptions_fold_by_class_pattern_and_first_frame() {
    let answers = [
        raised(0, "E", "pool \"a\" timed out after 30s", "shop.locks/release"),
        raised(1, "E", "pool \"b\" timed out after 1.5s", "shop.locks/release"),
        raised(2, "E", "pool \"a\" timed out after 30s", "shop.locks/take"),
        raised(3, "F", "pool \"a\" timed out after 30s", "shop.locks/release"),
        ended(4, Outcome::Raised),
    ];
    let folded = fold(&answers, Comparison::Canonical);
    assert_eq!(members(&folded), [places([0, 1]), places([2]), places([3]), places([4])]);
    assert_eq!(folded.raised[0].raised, answers[0].raised);
}

#[test]
fn numbers_that_a_compiler_counts_up_do_not_separate_exceptions() {
    let at = |n, frame| raised(n, "E", "boom", frame);
    let answers = [
        at(0, "user$eval2702/invokeStatic (REPL:1)"),
        at(1, "user$eval2697/invokeStatic (REPL:1)"),
        at(2, "user$eval2702/invokeStatic (REPL:2)"),
        at(3, "user$fn__2702/invokeStatic (REPL:1)"),
    ];
    let folded = fold(&answers, Comparison::Canonical);
    assert_eq!(members(&folded), [places([0, 1]), places([2]), places([3])]);
    assert_eq!(folded.raised[0].raised, answers[0].raised);
}

#[test]
fn silence_folds_by_class_and_kind_of_reason() {
    let unreachable = |n, text: &str| ended(n, Outcome::Unreachable(Reason::new(text)));
    let refused =
        |n, refusal: fn(Reason) -> Refusal| ended(n, Outcome::Refused(refusal(Reason::new("no"))));
    let answers = [
        ended(0, Outcome::unknown("no answer in 30s")),
        unreachable(1, "10.0.0.1:7070 refused the connection"),
        unreachable(2, "10.0.0.2:7071 refused the connection"),
        unreachable(3, "no REPL"),
        refused(4, Refusal::Denied),
        refused(5, Refusal::Limit),
        ended(6, Outcome::unknown("no answer in 2.5s")),
        ended(7, Outcome::Unknown { reason: Reason::new("no answer in 2s"), may_still_run: false }),
    ];
    let expected = [vec![4], vec![5], vec![1, 2], vec![3], vec![0, 6], vec![7]].map(places);
    assert_eq!(members(&fold(&answers, Comparison::Canonical)), expected);
}

fn any_answer(replica: u32) -> impl Strategy<Value = Answer> {
    let text = prop_oneof!["[0-2]", Just("{:a 1 :b 2}".into()), Just("{:b 2 :a 1}".into()), "[(a]"];
    let reason = "(refused|timed out) [0-9]{1,2}s";
    prop_oneof![
        4 => text.prop_map(move |text| answer(replica, &text)),
        1 => "[ab]".prop_map(move |class| raised(replica, &class, "x", "y")),
        1 => reason.prop_map(move |text| ended(replica, Outcome::unknown(text))),
        1 => reason.prop_map(move |text| ended(replica, Outcome::NotStarted(Reason::new(text)))),
    ]
}

fn any_answers() -> impl Strategy<Value = Vec<Answer>> {
    (0..40u32).prop_flat_map(|count| (0..count).map(any_answer).collect::<Vec<_>>())
}

fn any_comparison() -> impl Strategy<Value = Comparison> {
    proptest::sample::select(vec![Comparison::Exact, Comparison::Canonical, Comparison::Shape])
}

proptest! {
    #[test]
    fn every_answer_is_in_exactly_one_group(
        answers in any_answers(),
        comparison in any_comparison(),
    ) {
        let mut told: Vec<_> = members(&fold(&answers, comparison)).concat();
        told.sort();
        prop_assert_eq!(told, places(0..answers.len() as u32));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (answers, arrived) in any_answers()
            .prop_flat_map(|answers| (Just(answers.clone()), Just(answers).prop_shuffle())),
        comparison in any_comparison(),
    ) {
        prop_assert_eq!(fold(&answers, comparison), fold(&arrived, comparison));
    }
}

/// `cargo test --release -p prepl-fold -- --ignored --nocapture` prints the figures.
#[test]
#[ignore = "a measurement, not a test"]
fn measure_five_thousand_answers() {
    for (size, distinct) in [(4 << 10, 3), (64 << 10, 3), (4 << 10, 5000)] {
        let answers: Vec<_> =
            (0..5000).map(|n| answer(n, &large_map(size, n % distinct))).collect();
        let start = Instant::now();
        let groups = fold(&answers, Comparison::Canonical).ok.len();
        let elapsed = start.elapsed().as_millis();
        println!("fold: 5000 answers of {size} bytes, {groups} distinct: {elapsed} ms");
    }
}

fn large_map(size: usize, seed: u32) -> String {
    let mut text = format!("{{:seed {seed}");
    for key in 0.. {
        if text.len() >= size {
            break;
        }
        text.push_str(&format!(", :key-{key} [{key} \"value\"]"));
    }
    text + "}"
}
