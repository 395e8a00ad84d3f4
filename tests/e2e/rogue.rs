//! Sidecars with a valid certificate that ignore every limit: the gateway cuts them.

use std::time::Duration;

use prepl_core::{Class, Done, Event, Limits, Outcome, Raised, Stream, Value};
use prepl_identity::Role;
use prepl_tests::rogue::{Conduct, Then};
use prepl_tests::{Asked, World, plan};

fn value(bytes: usize) -> Event {
    Event::Value(Value { form: 0, text: "x".repeat(bytes).into(), truncated: false })
}

fn output(bytes: usize) -> Event {
    Event::Output { stream: Stream::Out, bytes: vec![b'x'; bytes].into() }
}

fn raised() -> Event {
    Event::Raised(Raised { message: "x".repeat(1 << 10).into(), ..Raised::default() })
}

fn done() -> Event {
    Event::Done(Done::without_answer(Outcome::Ok))
}

/// Asks a rogue between two honest replicas; both have to be ok.
async fn ask(conduct: Conduct) -> Asked {
    let mut world = World::of_rhai(1).await;
    let _rogue = world.add_rogue(conduct).await;
    world.add(prepl_sidecar::endpoint::Endpoint::Rhai).await;
    let mut plan = plan("42");
    plan.limits = Limits::new(Duration::from_millis(500), 1 << 20, 1 << 20).unwrap();
    let asked = Asked::ask(&world.gateway(Role::Evaluator), &world.selection(), plan).await;
    for honest in [0, 2] {
        assert_eq!((asked.classes()[honest], asked.values(honest)), (Class::Ok, vec!["42"]));
    }
    asked
}

async fn is_cut(says: Vec<Event>, then: Then) -> String {
    let asked = ask(Conduct::new(says, then)).await;
    assert_eq!((asked.classes()[1], asked.exit()), (Class::Unknown, 8));
    asked.reason(1).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_output_values_and_exceptions_are_cut() {
    for flood in [output(60 << 10), value(60 << 10), raised()] {
        let reason = is_cut(vec![flood], Then::Repeats).await;
        assert!(reason.contains("more than the limits"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_events_without_text_end_with_their_number_or_time() {
    is_cut(vec![Event::Started; 64], Then::Repeats).await;
    is_cut(vec![Event::NeedInput; 64], Then::Repeats).await;
    is_cut(vec![output(0); 64], Then::Repeats).await;
    is_cut(Vec::new(), Then::Repeats).await;
}

#[tokio::test]
async fn a_huge_message_is_not_taken() {
    let reason = is_cut(vec![value(32 << 20)], Then::Hangs).await;
    assert!(reason.contains("too large"), "{reason}");
}

#[tokio::test]
async fn a_value_beyond_the_limit_is_not_taken() {
    let reason = is_cut(vec![value((1 << 20) + 1), done()], Then::Ends).await;
    assert!(reason.contains("more than the limits"), "{reason}");
}

#[tokio::test]
async fn an_answer_in_the_name_of_another_replica_is_not_believed() {
    let conduct = Conduct { claims: Some("uid-1"), says: vec![done()], then: Then::Ends };
    let asked = ask(conduct).await;
    assert_eq!(asked.classes()[1], Class::Unknown);
    assert!(asked.reason(1).contains("another replica"), "{}", asked.reason(1));
}

#[tokio::test]
async fn a_stream_without_its_end_is_unknown() {
    let reason = is_cut(vec![Event::Started, value(1)], Then::Ends).await;
    assert!(reason.contains("without telling the outcome"), "{reason}");
    let reason = is_cut(vec![Event::Started, value(1)], Then::Hangs).await;
    assert!(reason.contains("no word from the sidecar"), "{reason}");
}

#[tokio::test]
async fn what_follows_the_end_is_not_heard() {
    let says = vec![value(1), done(), value(2), output(3), done()];
    for then in [Then::Ends, Then::Hangs, Then::Repeats] {
        let asked = ask(Conduct::new(says.clone(), then)).await;
        assert_eq!((asked.classes()[1], asked.values(1)), (Class::Ok, vec!["x"]));
        assert!(asked.answers[1].output.is_empty());
    }
}
