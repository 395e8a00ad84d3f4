//! A peer that breaks nREPL, floods it or sends nonsense.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::VecDeque;

use bytes::BytesMut;
use prepl_bencode::{Value, encode};
use prepl_core::{Expression, Origin, Raised, Stream};
use prepl_sidecar::driver::nrepl::codec::{LEAST_KEPT, MAX_MESSAGE};
use prepl_sidecar::driver::nrepl::{Nrepl, WORN_AFTER};
use prepl_sidecar::driver::{Ask, Conversation, End, Garbage, Said, Step};
use proptest::prelude::*;

/// A conversation and what it has said so far.
struct Peer {
    conversation: Nrepl,
    input: BytesMut,
    out: BytesMut,
    steps: VecDeque<Step>,
}

/// The id of the first evaluation: `describe` and `clone` come before it.
const FIRST: i64 = 3;

impl Peer {
    fn new() -> Peer {
        let mut conversation = Nrepl::new();
        let mut out = BytesMut::new();
        conversation.open(&mut out);
        Peer { conversation, input: BytesMut::new(), out, steps: VecDeque::new() }
    }

    /// With an open session of a server that can interrupt and whose language is not Clojure.
    fn open() -> Peer {
        let mut peer = Peer::new();
        let ops = Value::list(["clone", "eval", "interrupt"]);
        peer.says([("id", 1.into()), ("ops", ops), ("status", "done".into())]);
        peer.says([("id", 2.into()), ("new-session", "s".into()), ("status", "done".into())]);
        assert!(matches!(peer.steps.pop_front(), Some(Step::Opened(_))));
        peer
    }

    fn evaluating() -> Peer {
        let mut peer = Peer::open();
        peer.evaluate();
        peer
    }

    fn evaluate(&mut self) {
        let expression = Expression::new("(+ 1 1)").unwrap();
        let ask = Ask {
            expression,
            origin: Origin::Typed,
            namespace: None,
            value_bytes: 8,
            output_bytes: 8,
            read_only: None,
        };
        self.conversation.evaluate(&ask, &mut self.out).unwrap();
        self.out.clear();
    }

    fn says<const N: usize>(&mut self, message: [(&str, Value); N]) {
        let mut bytes = BytesMut::new();
        encode(&Value::dict(message), &mut bytes);
        self.sends(&bytes).unwrap();
    }

    fn sends(&mut self, bytes: &[u8]) -> Result<(), Garbage> {
        self.input.extend_from_slice(bytes);
        self.conversation.receive(&mut self.input, &mut self.out, &mut self.steps)
    }

    fn steps(&mut self) -> Vec<Step> {
        self.steps.drain(..).collect()
    }
}

fn value(text: &str, truncated: bool) -> Step {
    Step::Said(Said::Value { text: text.into(), truncated })
}

fn ended() -> Step {
    Step::Ended(End::default())
}

#[test]
fn what_is_no_bencode_dict_ends_the_conversation() {
    for bytes in [
        "HTTP/1.1 400 Bad Request\r\n",
        "user=> ",
        "l2:ide",
        "i1e",
        "2:id",
        "dle1:xe",
        "d2:id",
        "d-1:",
        "d01:xe",
        "99999999999999999999:",
        "di1e1:xe",
        "d1:ai18446744073709551616ee",
    ] {
        let mut peer = Peer::evaluating();
        let outcome = peer.sends(bytes.as_bytes());
        if bytes == "d2:id" {
            outcome.unwrap(); // Half a message: more may come.
        } else {
            assert!(!outcome.unwrap_err().0.is_empty(), "{bytes}");
        }
        assert_eq!(peer.steps(), [], "{bytes}");
    }
}

#[test]
fn endless_digits_end_the_conversation() {
    let digits = "1".repeat(1 << 16);
    assert!(Peer::evaluating().sends(digits.as_bytes()).is_err());
    assert!(Peer::evaluating().sends(format!("d1:ai{digits}").as_bytes()).is_err());
}

#[test]
fn deep_nesting_ends_the_conversation() {
    assert!(Peer::evaluating().sends("l".repeat(1 << 20).as_bytes()).is_err());
    assert!(Peer::evaluating().sends("d1:a".repeat(1 << 18).as_bytes()).is_err());
}

#[test]
fn a_message_beyond_the_bound_is_refused_before_it_is_read() {
    let mut peer = Peer::evaluating();
    let garbage = peer.sends(format!("d5:value{MAX_MESSAGE}:").as_bytes()).unwrap_err();
    assert!(garbage.0.contains("limit of 16777216 bytes"), "{garbage}");
}

#[test]
fn a_cut_message_keeps_no_more_than_what_came() {
    let mut peer = Peer::evaluating();
    peer.sends(b"d5:value15000000:").unwrap();
    assert!(peer.input.capacity() < 1 << 16, "{}", peer.input.capacity());
    let chunk = [b'x'; 1 << 14];
    let mut most = 0;
    for _ in 0..15_000_000 / chunk.len() {
        peer.sends(&chunk).unwrap();
        most = most.max(peer.input.len());
    }
    assert!(most <= MAX_MESSAGE);
    peer.sends(&chunk[..15_000_000 % chunk.len()]).unwrap();
    peer.sends(format!("2:ns1:a2:id1:{FIRST}e").as_bytes()).unwrap();
    assert_eq!(peer.steps(), [value("xxxxxxxx", true)]);
    assert!(peer.input.is_empty());
}

/// A peer whose session had as many evaluations as one may have; gives the id of the next request.
fn worn() -> (Peer, i64) {
    let mut peer = Peer::open();
    for number in 0..WORN_AFTER {
        peer.evaluate();
        peer.says([("id", (FIRST + i64::from(number)).into()), ("status", "done".into())]);
        assert_eq!(peer.steps().len(), 1);
    }
    peer.evaluate();
    assert!(peer.steps().is_empty(), "it waits for the clone");
    (peer, FIRST + i64::from(WORN_AFTER))
}

#[test]
fn a_worn_session_goes_on_as_its_clone() {
    let (mut peer, id) = worn();
    peer.says([("id", id.into()), ("new-session", "young".into()), ("status", "done".into())]);
    assert!(peer.steps().is_empty());
    // The good-bye to the worn one is between the two.
    peer.says([("id", (id + 2).into()), ("value", "7".into()), ("ns", "a".into())]);
    peer.says([("id", (id + 2).into()), ("status", "done".into())]);
    assert_eq!(peer.steps()[0], value("7", false));
}

#[test]
fn a_server_that_gives_no_clone_goes_on_in_the_worn_session() {
    let (mut peer, id) = worn();
    peer.says([("id", id.into()), ("status", "unknown-op".into())]);
    assert!(peer.steps().is_empty());
    peer.says([("id", id.into()), ("status", "done".into())]);
    peer.says([("id", (id + 1).into()), ("status", "done".into())]);
    assert!(matches!(peer.steps()[..], [Step::Ended(_)]));
}

#[test]
fn output_that_is_not_kept_is_counted() {
    let mut peer = Peer::evaluating();
    let long = "x".repeat(LEAST_KEPT + 1000);
    peer.says([("id", FIRST.into()), ("out", long.as_str().into())]);
    peer.says([("id", FIRST.into()), ("out", "y".into()), ("status", "done".into())]);
    let steps = peer.steps();
    assert_eq!(steps.iter().map(Step::bytes).sum::<usize>(), LEAST_KEPT + 1);
    let Some(Step::Ended(end)) = steps.last() else { panic!("no end") };
    assert_eq!(end.output_bytes, Some(LEAST_KEPT as u64 + 1001));
}

#[test]
fn a_value_larger_than_asked_for_is_cut_at_a_character() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("value", "1234567é".into()), ("ns", "a".into())]);
    assert_eq!(peer.steps(), [value("1234567", true)]);
}

#[test]
fn streamed_parts_are_one_value_up_to_the_limit() {
    let mut peer = Peer::evaluating();
    for part in ["(1", " 2", " 3 4", " 5"] {
        peer.says([("id", FIRST.into()), ("value", part.into())]);
    }
    assert_eq!(peer.steps(), []);
    peer.says([("id", FIRST.into()), ("ns", "user".into())]);
    assert_eq!(peer.steps(), [value("(1 2 3 4", true)]);
}

#[test]
fn a_value_without_a_namespace_comes_with_the_end() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("value", "7".into()), ("status", Value::list(["done"]))]);
    assert_eq!(peer.steps(), [value("7", false), ended()]);
}

#[test]
fn all_keys_of_a_message_count_before_its_status() {
    let mut peer = Peer::evaluating();
    peer.says([
        ("status", Value::list(["done", "eval-error"])),
        ("id", FIRST.into()),
        ("out", "o".into()),
        ("err", "Error: lost".into()),
        ("ex", "class a.B".into()),
    ]);
    let raised = Raised { class: "a.B".into(), message: "lost".into(), ..Raised::default() };
    let out = Said::Output(Stream::Out, "o".into());
    let end = End { raised: true, ..End::default() };
    assert_eq!(peer.steps(), [Step::Said(out), Step::Said(Said::Raised(raised)), Step::Ended(end)]);
}

#[test]
fn an_exception_without_the_status_raises() {
    let mut peer = Peer::evaluating();
    let traceback = "Traceback (most recent call last):\n  ValueError: bad";
    peer.says([("id", FIRST.into()), ("ex", traceback.into())]);
    peer.says([("id", FIRST.into()), ("status", "done".into())]);
    let raised = Raised { message: traceback.into(), ..Raised::default() };
    let end = End { raised: true, ..End::default() };
    assert_eq!(peer.steps(), [Step::Said(Said::Raised(raised)), Step::Ended(end)]);
}

#[test]
fn an_error_of_the_server_after_output_raises_with_its_words() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("out", "half".into())]);
    peer.says([("id", FIRST.into()), ("status", Value::list(["done", "error", "server-error"]))]);
    let steps = peer.steps();
    let [_, Step::Said(Said::Raised(raised)), Step::Ended(end)] = &steps[..] else {
        panic!("{steps:?}")
    };
    assert_eq!(&*raised.message, "the REPL reports: error, server-error");
    assert!(end.raised && end.refused.is_none());
}

#[test]
fn what_ran_is_never_called_refused() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("out", "ran".into())]);
    let status = Value::list(["done", "error", "unknown-session"]);
    peer.says([("id", FIRST.into()), ("status", status)]);
    let steps = peer.steps();
    assert_eq!(steps.last(), Some(&Step::Ended(End { raised: true, ..End::default() })));
}

#[test]
fn one_exception_in_two_messages_is_told_once_with_its_root_class() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("ex", "class a.B".into()), ("root-ex", "class c.D".into())]);
    peer.says([("id", FIRST.into()), ("status", Value::list(["eval-error", "done"]))]);
    let raised = Raised { class: "c.D".into(), ..Raised::default() };
    let end = End { raised: true, ..End::default() };
    assert_eq!(peer.steps(), [Step::Said(Said::Raised(raised)), Step::Ended(end)]);
}

#[test]
fn an_error_report_that_no_exception_follows_is_output() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("err", "Error: x\n".into())]);
    assert_eq!(peer.steps(), []);
    peer.says([("id", FIRST.into()), ("status", "done".into())]);
    let output = Said::Output(Stream::Err, "Error: x\n".into());
    assert_eq!(peer.steps(), [Step::Said(output), ended()]);
}

#[test]
fn a_server_without_the_operation_eval_refuses() {
    let mut peer = Peer::evaluating();
    let status = Value::list(["done", "error", "unknown-op"]);
    peer.says([("id", FIRST.into()), ("status", status)]);
    let steps = peer.steps();
    let [Step::Ended(End { refused: Some(_), raised: false, .. })] = &steps[..] else {
        panic!("{steps:?}")
    };
}

#[test]
fn replies_to_nobody_are_ignored_and_late_output_is_counted() {
    let mut peer = Peer::evaluating();
    peer.says([("id", FIRST.into()), ("status", "done".into())]);
    peer.evaluate();
    assert_eq!(peer.steps(), [ended()]);
    for id in [Value::from("no number"), (-1).into(), 0.into(), 99.into(), Value::list([0_i64; 0])]
    {
        peer.says([("id", id), ("out", "x".into()), ("status", Value::list(["done"]))]);
    }
    peer.says([("out", "without an id".into()), ("status", "done".into())]);
    assert_eq!(peer.steps(), []);
    peer.says([("id", FIRST.into()), ("out", "12345".into()), ("err", "67".into())]);
    peer.says([("id", FIRST.into()), ("value", "8".into()), ("status", "done".into())]);
    assert_eq!(peer.steps(), [Step::Late(7)]);
    peer.says([("id", (FIRST + 1).into()), ("status", "done".into())]);
    assert_eq!(peer.steps(), [ended()]);
}

#[test]
fn the_answer_to_an_interrupt_is_not_the_end() {
    let mut peer = Peer::evaluating();
    peer.conversation.interrupt(&mut peer.out);
    assert!(peer.out.starts_with(b"d2:id1:412:interrupt-id1:3"), "{:?}", peer.out);
    for word in ["session-idle", "interrupt-id-mismatch", "unknown-session"] {
        let status = Value::list(["done", "error", word]);
        peer.says([("id", (FIRST + 1).into()), ("status", status)]);
    }
    assert_eq!(peer.steps(), []);
    peer.says([("id", FIRST.into()), ("status", Value::list(["interrupted", "done"]))]);
    let steps = peer.steps();
    let [Step::Ended(end)] = &steps[..] else { panic!("{steps:?}") };
    assert!(end.interrupted && end.may_still_run);
}

#[test]
fn an_end_that_crosses_the_interrupt_is_an_ordinary_end() {
    let mut peer = Peer::evaluating();
    peer.conversation.interrupt(&mut peer.out);
    peer.says([("id", FIRST.into()), ("value", "2".into()), ("status", "done".into())]);
    assert_eq!(peer.steps(), [value("2", false), ended()]);
    peer.out.clear();
    peer.conversation.interrupt(&mut peer.out);
    assert!(peer.out.is_empty(), "an interrupt with nothing to interrupt was sent");
}

#[test]
fn a_server_without_sessions_is_used_without_one() {
    let mut peer = Peer::new();
    peer.says([("id", 1.into()), ("status", Value::list(["error", "unknown-op", "done"]))]);
    peer.says([("id", 2.into()), ("status", Value::list(["error", "unknown-op", "done"]))]);
    assert!(matches!(peer.steps()[..], [Step::Opened(_)]));
    peer.out.clear();
    let ask = Ask {
        expression: Expression::new("(foo").unwrap(),
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 8,
        output_bytes: 8,
        read_only: None,
    };
    peer.conversation.evaluate(&ask, &mut peer.out).unwrap();
    let sent = String::from_utf8(peer.out.to_vec()).unwrap();
    assert!(!sent.contains("session"), "{sent}");
    peer.out.clear();
    peer.conversation.interrupt(&mut peer.out);
    peer.conversation.close(&mut peer.out);
    assert!(peer.out.is_empty(), "a server that told no operations was asked for them");
}

#[test]
fn a_server_that_does_not_list_clone_is_not_asked_for_it() {
    let mut peer = Peer::new();
    peer.out.clear();
    let ops = Value::dict([("eval", Value::dict([("", Value::Int(0)); 0]))]);
    peer.says([("id", 1.into()), ("ops", ops), ("status", "done".into())]);
    assert!(matches!(peer.steps()[..], [Step::Opened(_)]));
    assert!(peer.out.is_empty());
}

#[test]
fn a_server_that_cannot_evaluate_or_make_a_session_is_not_opened() {
    let mut message = BytesMut::new();
    let ops = Value::list(["describe"]);
    encode(&Value::dict([("id", 1.into()), ("ops", ops), ("status", "done".into())]), &mut message);
    let garbage = Peer::new().sends(&message).unwrap_err();
    assert!(garbage.0.contains("operation eval"), "{garbage}");

    let mut peer = Peer::new();
    peer.says([("id", 1.into()), ("status", "done".into())]);
    let garbage = peer.sends(b"d2:idi2e6:statusl4:done5:error4:fullee").unwrap_err();
    assert!(garbage.0.contains("made no session: error, full"), "{garbage}");
}

#[test]
fn a_wait_for_input_without_end_is_told_and_answered_each_time() {
    let mut peer = Peer::evaluating();
    for _ in 0..3 {
        peer.says([("id", FIRST.into()), ("status", "need-input".into())]);
        peer.conversation.input(b"", &mut peer.out);
    }
    let sent = String::from_utf8(peer.out.to_vec()).unwrap();
    assert_eq!(sent.matches("5:stdin0:").count(), 3, "{sent}");
    assert_eq!(peer.steps(), vec![Step::Said(Said::NeedInput); 3]);
}

#[test]
fn names_from_the_server_are_short() {
    let mut peer = Peer::evaluating();
    let long = "x".repeat(1 << 20);
    peer.says([("id", FIRST.into()), ("ex", long.as_str().into()), ("status", "done".into())]);
    let steps = peer.steps();
    let [Step::Said(Said::Raised(raised)), _] = &steps[..] else { panic!("{}", steps.len()) };
    assert!(raised.class.len() <= 512);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        prop::sample::select(vec![
            "done",
            "3",
            "4",
            "error",
            "eval-error",
            "need-input",
            "interrupted",
            "#error {:cause \"",
            "Execution error\n",
            "nrepl.middleware.print/truncated",
            "é",
        ])
        .prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::List))
}

fn any_message() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "status",
        "status",
        "value",
        "ns",
        "out",
        "err",
        "ex",
        "root-ex",
        "ops",
        "new-session",
        "nrepl.middleware.caught/throwable",
        "nrepl.middleware.print/truncated-keys",
    ]);
    let pairs = prop::collection::vec((key, any_value()), 0..6);
    (pairs, FIRST - 1..FIRST + 2).prop_map(|(mut pairs, id)| {
        pairs.push(("id", id.into()));
        Value::dict(pairs)
    })
}

proptest! {
    #[test]
    fn no_messages_panic_and_at_most_one_end_comes(
        messages in prop::collection::vec(any_message(), 0..30),
        interrupts in any::<bool>(),
    ) {
        let mut peer = Peer::evaluating();
        if interrupts {
            peer.conversation.interrupt(&mut peer.out);
        }
        for message in messages {
            let mut bytes = BytesMut::new();
            encode(&message, &mut bytes);
            peer.sends(&bytes).unwrap();
        }
        let steps = peer.steps();
        let end = steps.iter().position(|step| matches!(step, Step::Ended(_)));
        let late = |step: &Step| matches!(step, Step::Late(_));
        prop_assert!(steps.iter().skip(end.map_or(steps.len(), |end| end + 1)).all(late));
        for step in &steps {
            if let Step::Said(Said::Value { text, .. }) = step {
                prop_assert!(text.len() <= 8);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Peer::new().sends(&bytes);
        let _ = Peer::evaluating().sends(&bytes);
    }
}
