//! Bytes that earlier versions wrote must stay readable, and mean the same.
//!
//! A failing test here is a broken fleet during an upgrade. Never change a stored message: add a
//! file for the new version beside it (`cargo test -p prepl-proto -- --ignored --nocapture
//! print_messages` prints the bytes of this version).

#![expect(clippy::unwrap_used, reason = "a message that cannot be made is a failed test")]

use std::time::{Duration, SystemTime};

use prepl_core::{
    Claim, Deed, Digest, Done, Evaluation, Event, Limits, Outcome, RequestId, Stream, Value,
};
use prepl_proto::{convert, v1};
use prost::Message;

const EVAL_REQUEST_V1: &str = include_str!("stored/eval_request.v1.hex");
const READ_ONLY_REQUEST_V1: &str = include_str!("stored/read_only_request.v1.hex");
const READ_ONLY_CLAIM_V1: &str = include_str!("stored/read_only_claim.v1.hex");
const EVENT_BATCH_V1: &str = include_str!("stored/event_batch.v1.hex");

fn evaluation() -> Evaluation {
    Evaluation {
        request: RequestId::from_random([7; 16]),
        run: "7Q4K2ABC".parse().unwrap(),
        replica_uid: "0d9f".into(),
        expression: prepl_core::Expression::new("(count-sessions)").unwrap(),
        session: Some("s1".parse().unwrap()),
        namespace: Some("shop.core".into()),
        limits: Limits::default(),
        recall: false,
        read_only: false,
    }
}

fn read_only() -> Evaluation {
    Evaluation { read_only: true, ..evaluation() }
}

fn claim() -> Claim {
    let Evaluation { request, expression, session, namespace, limits, recall, read_only, .. } =
        read_only();
    let expression = Digest::of(expression.as_str());
    let issued = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    Claim {
        request,
        deed: Deed::Evaluate { expression, session, namespace, limits, recall, read_only },
        replicas: Digest::of("root"),
        count: 3,
        issued,
        expires: issued + Duration::from_secs(60),
    }
}

fn events() -> Vec<Event> {
    vec![
        Event::Started,
        Event::Output { stream: Stream::Err, bytes: vec![0xff, b'x'].into() },
        Event::Value(Value { form: 1, text: "344".into(), truncated: true }),
        Event::Raised(prepl_core::Raised {
            class: "java.lang.ArithmeticException".into(),
            message: "Divide by zero".into(),
            phase: "execution".into(),
            trace: vec!["user/eval (REPL:1)".into()],
        }),
        Event::NeedInput,
        Event::Notice("cut".into()),
        Event::Done(Done {
            namespace: Some("user".into()),
            output_bytes: 2,
            ..Done::without_answer(Outcome::unknown("time is over"))
        }),
    ]
}

fn bytes(hex: &str) -> Vec<u8> {
    let hex = hex.trim();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn an_evaluation_of_version_1_is_read() {
    let wire = v1::EvalRequest::decode(&bytes(EVAL_REQUEST_V1)[..]).unwrap();
    assert_eq!(Evaluation::try_from(wire), Ok(evaluation()));
}

/// What a peer of before read-only evaluations makes of one: there was no such field and no such
/// deed, so it finds no expression and no deed, and refuses.
#[test]
fn a_peer_that_knows_no_read_only_evaluation_finds_nothing_to_run() {
    let wire = v1::EvalRequest::decode(&bytes(READ_ONLY_REQUEST_V1)[..]).unwrap();
    assert_eq!(wire.expression, "");
    let older = v1::EvalRequest { read_only_expression: String::new(), ..wire };
    assert!(Evaluation::try_from(older).is_err());
    let wire = v1::Claim::decode(&bytes(READ_ONLY_CLAIM_V1)[..]).unwrap();
    assert!(matches!(wire.deed, Some(v1::claim::Deed::Read(_))));
}

#[test]
fn a_read_only_evaluation_of_version_1_is_read() {
    let wire = v1::EvalRequest::decode(&bytes(READ_ONLY_REQUEST_V1)[..]).unwrap();
    assert_eq!(Evaluation::try_from(wire), Ok(read_only()));
    assert_eq!(convert::claim::read(&bytes(READ_ONLY_CLAIM_V1)), Ok(claim()));
}

#[test]
fn events_of_version_1_are_read() {
    let wire = v1::EventBatch::decode(&bytes(EVENT_BATCH_V1)[..]).unwrap();
    assert_eq!((wire.run_id.as_str(), wire.first_sequence), ("7Q4K2ABC", 3));
    let read: Result<Vec<Event>, _> = wire.events.into_iter().map(Event::try_from).collect();
    assert_eq!(read, Ok(events()));
}

#[test]
fn fields_of_a_newer_version_are_skipped() {
    // Field 999, length-delimited, "new".
    let newer = [bytes(EVAL_REQUEST_V1), vec![0xba, 0x3e, 3, b'n', b'e', b'w']].concat();
    let wire = v1::EvalRequest::decode(&newer[..]).unwrap();
    assert_eq!(Evaluation::try_from(wire), Ok(evaluation()));
}

#[test]
#[ignore = "prints the bytes to store for a new version"]
fn print_messages() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    println!("{}", hex(v1::EvalRequest::from(evaluation()).encode_to_vec()));
    println!("{}", hex(v1::EvalRequest::from(read_only()).encode_to_vec()));
    println!("{}", hex(convert::claim::bytes(&claim())));
    println!("{}", hex(convert::batch("7Q4K2ABC", "0d9f", 3, events()).encode_to_vec()));
}
