//! What comes back from a fleet of the sidecar's own engine.

use std::time::Duration;

use prepl_core::{Class, Limits, Outcome};
use prepl_gateway::Plan;
use prepl_identity::Role;
use prepl_tests::{Asked, World, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_replica_answers_and_equal_answers_are_equal() {
    let world = World::of_rhai(12).await;
    let asked =
        Asked::ask(&world.gateway(Role::Evaluator), &world.selection(), plan("40 + 2")).await;
    assert_eq!(asked.classes(), [Class::Ok; 12]);
    assert!((0..12).all(|place| asked.values(place) == ["42"]));
    assert!(asked.summary.skew.is_some());
}

#[tokio::test]
async fn output_values_and_exceptions_are_told_apart() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let asked = Asked::ask(&gateway, &world.selection(), plan("print(\"hi\"); 7")).await;
    assert_eq!(asked.values(0), ["7"]);
    assert_eq!(&asked.answers[0].output[0].1[..], b"hi\n");
    let asked = Asked::ask(&gateway, &world.selection(), plan("throw \"no\"")).await;
    assert_eq!(asked.classes(), [Class::Raised]);
    assert!(asked.answers[0].raised[0].message.contains("no"));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_does_not_run() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let asked = Asked::ask(&gateway, &world.selection(), plan("print(\"ran\"); (1 +")).await;
    assert_eq!(asked.classes(), [Class::Refused]);
    assert!(asked.answers[0].output.is_empty());
}

#[tokio::test]
async fn a_time_out_is_unknown_and_tells_that_it_was_interrupted() {
    let world = World::of_rhai(1).await;
    let mut endless = plan("loop {}");
    endless.limits = Limits::new(Duration::from_millis(50), 1024, 1024).unwrap();
    let asked = Asked::ask(&world.gateway(Role::Evaluator), &world.selection(), endless).await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert!(asked.reason(0).contains("interrupted"), "{}", asked.reason(0));
    let done = &asked.answers[0].done;
    assert!(matches!(done.outcome, Outcome::Unknown { may_still_run: false, .. }));
}

#[tokio::test]
async fn large_output_and_large_values_are_cut_and_the_cut_is_told() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let mut flood = plan("for i in 0..2000 { print(`line ${i}`); } 1");
    flood.limits = Limits::new(Duration::from_secs(10), 1024, 1000).unwrap();
    let asked = Asked::ask(&gateway, &world.selection(), flood).await;
    let answer = &asked.answers[0];
    let output: usize = answer.output.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!((output, asked.values(0)), (1000, vec!["1"]));
    assert!(answer.notices.iter().any(|notice| notice.contains("output cut: 1000 of")));
    assert!(answer.done.output_bytes > 10_000);
}

#[tokio::test]
async fn the_same_request_again_gives_the_first_answer_and_runs_nothing() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let mut first = plan("let n = 1; n");
    first.session = Some("s".parse().unwrap());
    let mut next = plan("n += 1; n");
    next.session = first.session.clone();
    Asked::ask(&gateway, &world.selection(), first).await;
    for _ in 0..3 {
        let asked = Asked::ask(&gateway, &world.selection(), next.clone()).await;
        assert_eq!(asked.values(0), ["2"]);
    }
}

#[tokio::test]
async fn a_recalled_request_that_is_not_known_is_unknown_and_runs_nothing() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let first = plan("6 * 7");
    let recalled = Plan { recall: true, ..first.clone() };
    let lost = Asked::ask(&gateway, &world.selection(), recalled.clone()).await;
    assert_eq!(lost.classes(), [Class::Unknown]);
    assert!(lost.reason(0).contains("does not know this request"), "{}", lost.reason(0));
    Asked::ask(&gateway, &world.selection(), first).await;
    let known = Asked::ask(&gateway, &world.selection(), recalled).await;
    assert_eq!(known.values(0), ["42"]);
}

#[tokio::test]
async fn a_session_keeps_its_state_and_is_its_callers_alone() {
    let world = World::of_rhai(1).await;
    let (mira, otto) = (world.user(Role::Evaluator, "mira"), world.user(Role::Evaluator, "otto"));
    let (mira, otto) = (world.gateway_with(mira), world.gateway_with(otto));
    let in_session = |text| {
        let mut plan = plan(text);
        plan.session = Some("s".parse().unwrap());
        plan
    };
    Asked::ask(&mira, &world.selection(), in_session("let x = 5;")).await;
    let own = Asked::ask(&mira, &world.selection(), in_session("x")).await;
    assert_eq!(own.values(0), ["5"]);
    let other = Asked::ask(&otto, &world.selection(), in_session("x")).await;
    assert_eq!(other.classes(), [Class::Raised]);
    let without = Asked::ask(&mira, &world.selection(), plan("x")).await;
    assert_eq!(without.classes(), [Class::Raised]);
}
