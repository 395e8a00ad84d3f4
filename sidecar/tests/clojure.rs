//! The conversation with an upgraded socket REPL, without a socket.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/recordings.rs"]
mod recordings;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use prepl_core::read_only::Keeper;
use prepl_core::{Expression, InterruptStrength, Origin, Stream};
use prepl_sidecar::driver::clojure::Clojure;
use prepl_sidecar::driver::clojure::codec::MAX_LINE;
use prepl_sidecar::driver::{Ask, Conversation, End, Garbage, Refused, Runtime, Said, Step};
use proptest::prelude::*;

const HELLO: &str = "user=> \x01- hello 1 MS4xMi42 MTcuMC4xNQ==\n";

/// A conversation and the bytes that wait on either side of it.
struct Talk {
    clojure: Clojure,
    input: BytesMut,
    out: BytesMut,
    steps: VecDeque<Step>,
}

impl Talk {
    fn new() -> Talk {
        let mut talk = Talk {
            clojure: Clojure::new(),
            input: BytesMut::new(),
            out: BytesMut::new(),
            steps: VecDeque::new(),
        };
        talk.clojure.open(&mut talk.out);
        talk.out.clear();
        talk
    }

    fn opened() -> Talk {
        let mut talk = Talk::new();
        talk.hear(HELLO).unwrap();
        talk.steps.clear();
        talk
    }

    fn evaluating() -> Talk {
        let mut talk = Talk::opened();
        talk.clojure.evaluate(&ask("1"), &mut talk.out).unwrap();
        talk.out.clear();
        talk
    }

    fn hear(&mut self, bytes: impl AsRef<[u8]>) -> Result<Vec<Step>, Garbage> {
        self.input.extend_from_slice(bytes.as_ref());
        let received = self.clojure.receive(&mut self.input, &mut self.out, &mut self.steps);
        received.map(|()| self.steps.drain(..).collect())
    }
}

fn ask(text: &str) -> Ask {
    let expression = Expression::new(text).unwrap();
    Ask {
        expression,
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 10,
        output_bytes: 10,
        read_only: None,
    }
}

fn value(text: &str) -> Step {
    Step::Said(Said::Value { text: text.into(), truncated: false })
}

fn cut(text: &str) -> Step {
    Step::Said(Said::Value { text: text.into(), truncated: true })
}

fn output(stream: Stream, text: &'static str) -> Step {
    Step::Said(Said::Output(stream, Bytes::from_static(text.as_bytes())))
}

fn ended(namespace: &str) -> Step {
    ended_after(namespace, 0)
}

fn ended_after(namespace: &str, output_bytes: u64) -> Step {
    Step::Ended(End {
        namespace: Some(namespace.into()),
        output_bytes: Some(output_bytes),
        ..End::default()
    })
}

#[test]
fn the_upgrade_is_one_ascii_form_with_a_line_end() {
    let mut out = BytesMut::new();
    Clojure::new().open(&mut out);
    assert!(out.is_ascii() && out.ends_with(b"\n") && !out.contains(&1));
    let text = std::str::from_utf8(&out).unwrap();
    assert_eq!(prepl_reader::flaw(text), None);
    let forms = text.lines().filter(|line| line.starts_with('('));
    assert_eq!(forms.count(), 1);
}

#[test]
fn the_greeting_opens_the_session_whatever_stands_before_it() {
    let expected = Step::Opened(Runtime {
        language: "clojure".into(),
        version: "1.12.6 on Java 17.0.15".into(),
        interrupt: InterruptStrength::Cooperative,
    });
    for before in ["", "user=> ", "Welcome!\n\n\x01 trap\nReflection warning, x\n", "caf\u{e9}\n"] {
        assert_eq!(Talk::new().hear(format!("{before}{HELLO}")), Ok(vec![expected.clone()]));
    }
}

#[test]
fn a_peer_that_never_greets_is_given_up() {
    let mut lines = Talk::new();
    let refused = (0..MAX_LINE).find_map(|_| lines.hear("HTTP/1.1 400 Bad Request\r\n").err());
    assert!(refused.is_some());
    assert!(Talk::new().hear(vec![b'x'; MAX_LINE]).is_err());
    assert_eq!(Talk::new().hear("user=> "), Ok(vec![]));
    assert_eq!(Talk::new().hear("{:tag :out, :val \"\x01- hello 1 MQ== MQ==\\n\"}\n"), Ok(vec![]));
}

#[test]
fn an_evaluation_is_one_ascii_line() {
    let mut talk = Talk::opened();
    let asked = Ask { namespace: Some("my.ns".into()), ..ask("(str\n\"é\")") };
    talk.clojure.evaluate(&asked, &mut talk.out).unwrap();
    assert_eq!(talk.out, "E 1 10 10 bXkubnM= KHN0cgoiw6kiKQ==\n");
    talk.out.clear();
    talk.hear("\x011 done dXNlcg== 0 0 0\n").unwrap();
    talk.clojure.evaluate(&ask("1"), &mut talk.out).unwrap();
    assert_eq!(talk.out, "E 2 10 10 - MQ==\n");
    talk.out.clear();
    talk.hear("\x012 done dXNlcg== 0 0 0\n").unwrap();
    let read_only = Some(Keeper::Function("shop.db/read-only".parse().unwrap()));
    talk.clojure.evaluate(&Ask { read_only, ..ask("1") }, &mut talk.out).unwrap();
    assert_eq!(talk.out, "E 3 10 10 - MQ== shop.db/read-only\n");
}

#[test]
fn what_stands_in_a_file_is_sent_with_its_place_and_a_whole_file_by_a_verb_of_its_own() {
    let file = || "é.clj".parse().unwrap();
    let namespace = || Some("my.ns".into());
    let function = || Some(Keeper::Function("shop.db/read-only".parse().unwrap()));
    let at = || Ask { origin: Origin::at(file(), 12, 3), namespace: namespace(), ..ask("1") };
    let whole = Ask { origin: Origin::File(file()), namespace: namespace(), ..ask("1") };
    let cases = [
        (at(), "E 1 10 10 bXkubnM= MQ== - w6kuY2xq 12 3\n"),
        (
            Ask { read_only: function(), ..at() },
            "E 1 10 10 bXkubnM= MQ== shop.db/read-only w6kuY2xq 12 3\n",
        ),
        // It begins in `user`, whatever was asked for.
        (whole, "L 1 10 10 dXNlcg== MQ== - w6kuY2xq 1 1\n"),
    ];
    for (asked, line) in cases {
        let mut talk = Talk::opened();
        talk.clojure.evaluate(&asked, &mut talk.out).unwrap();
        assert_eq!(talk.out, line);
    }
}

#[test]
fn an_unfinished_text_is_not_sent() {
    let mut talk = Talk::opened();
    assert!(talk.clojure.evaluate(&ask("(+ 1"), &mut talk.out).is_err());
    assert!(talk.out.is_empty());
}

#[test]
fn the_pieces_of_a_value_are_put_together() {
    let lines = "\x011 part MTIz\n\x011 part NDU2\n\x011 value 0\n\x011 part OA==\n\x011 value 0\n";
    let done = "\x011 done dXNlcg== 0 0 0\n";
    let steps = Talk::evaluating().hear(format!("{lines}{done}"));
    assert_eq!(steps, Ok(vec![value("123456"), value("8"), ended("user")]));
}

#[test]
fn output_keeps_its_stream_and_place() {
    let lines = "\x011 out aGk=\n\x011 err YmFk\n\x011 part bmls\n\x011 value 0\n";
    let expected = vec![output(Stream::Out, "hi"), output(Stream::Err, "bad"), value("nil")];
    assert_eq!(Talk::evaluating().hear(lines), Ok(expected));
}

#[test]
fn a_value_cut_inside_a_character_loses_that_character_alone() {
    // "a☃" without its last byte.
    assert_eq!(Talk::evaluating().hear("\x011 part YeKY\n\x011 value 1\n"), Ok(vec![cut("a")]));
}

#[test]
fn a_value_beyond_the_limit_that_was_asked_for_is_garbage() {
    assert!(Talk::evaluating().hear("\x011 part MDEyMzQ1Njc4OQ==\n\x011 part MA==\n").is_err());
}

#[test]
fn a_value_that_could_not_be_printed_leaves_nothing_behind() {
    let lines = "\x011 part W10=\n\x011 raised cA== Yw== bQ==\n\x011 part MQ==\n\x011 value 0\n";
    let steps = Talk::evaluating().hear(lines).unwrap();
    assert!(matches!(&steps[0], Step::Said(Said::Raised(raised)) if raised.trace.is_empty()));
    assert_eq!(steps[1..], [value("1")]);
}

#[test]
fn output_beyond_the_limit_is_told_as_a_number() {
    let steps = Talk::evaluating().hear("\x011 done dXNlcg== 0 0 1234\n").unwrap();
    let [Step::Ended(end)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(end.output_bytes, Some(1234));
}

#[test]
fn the_end_tells_what_became_of_the_evaluation() {
    let steps = Talk::evaluating().hear("\x011 done dXNlcg== 1 1 0\n").unwrap();
    let end = End { raised: true, interrupted: true, output_bytes: Some(0), ..End::default() };
    assert_eq!(steps, [Step::Ended(End { namespace: Some("user".into()), ..end })]);
    for (tag, refused) in
        [("refused", Refused::Runtime("no".into())), ("uncalled", Refused::Function("no".into()))]
    {
        let steps = Talk::evaluating().hear(format!("\x011 {tag} bm8=\n")).unwrap();
        assert_eq!(steps, [Step::Ended(End { refused: Some(refused), ..End::default() })]);
    }
}

#[test]
fn an_interrupt_names_the_evaluation_that_runs_and_no_other() {
    let mut talk = Talk::evaluating();
    talk.clojure.interrupt(&mut talk.out);
    assert_eq!(talk.out, "I 1\n");
    talk.out.clear();
    talk.hear("\x011 done dXNlcg== 1 1 0\n").unwrap();
    talk.clojure.interrupt(&mut talk.out);
    assert!(talk.out.is_empty());
}

#[test]
fn a_good_bye_ends_the_upgrade_and_the_repl() {
    let mut talk = Talk::opened();
    talk.clojure.close(&mut talk.out);
    assert_eq!(talk.out, "Q\n:repl/quit\n");
}

#[test]
fn output_of_an_ended_evaluation_is_late() {
    let mut talk = Talk::evaluating();
    talk.hear("\x011 done dXNlcg== 0 0 0\n").unwrap();
    assert_eq!(talk.hear("\x011 out bGF0ZQ==\n"), Ok(vec![Step::Late(4)]));
    talk.clojure.evaluate(&ask("2"), &mut talk.out).unwrap();
    let steps = talk.hear("\x011 err bGF0ZXI=\n\x012 out bm93\n");
    assert_eq!(steps, Ok(vec![Step::Late(5), output(Stream::Out, "now")]));
}

#[test]
fn an_ended_evaluation_can_do_no_more_than_print() {
    for line in ["part MQ==", "value 0", "done dXNlcg== 0 0 0", "raised YQ== YQ== YQ=="] {
        let mut talk = Talk::evaluating();
        talk.hear("\x011 done dXNlcg== 0 0 0\n").unwrap();
        assert!(talk.hear(format!("\x011 {line}\n")).is_err(), "{line}");
    }
}

#[test]
fn what_breaks_the_protocol_is_garbage() {
    for line in [
        &b"user=> "[..],
        b"",
        b"\x01",
        b"\x011",
        b"\x011 ",
        b"\x011 nonsense",
        b"\x011 out",
        b"\x011 out !!!!",
        b"\x011 out MQ",
        b"\x011 out MQ== MQ==",
        b"\x011 value 2",
        b"\x011 value",
        b"\x011 refused /w==",
        b"\x011 uncalled /w==",
        b"\x011 done dXNlcg== 0 0 99999999999999999999",
        b"\x011 done dXNlcg== 0 0 -1",
        b"\x010 out MQ==",
        b"\x012 out MQ==",
        b"\x01-1 out MQ==",
        b"\x01- hello 1 MQ== MQ==",
        b"\x011 out \xff\xfe",
    ] {
        let heard = Talk::evaluating().hear([line, b"\n"].concat());
        assert!(heard.is_err(), "{}: {heard:?}", line.escape_ascii());
    }
}

#[test]
fn an_endless_line_is_garbage_before_it_fills_the_memory() {
    let mut talk = Talk::evaluating();
    let line = [b"\x011 out ", &vec![b'A'; MAX_LINE - 9][..]].concat();
    assert_eq!(talk.hear(&line), Ok(vec![]));
    assert!(talk.hear("AA").is_err());
}

#[test]
fn a_trace_without_end_is_cut() {
    let line = format!("\x011 raised cA== Yw== bQ=={}\n", " Zg==".repeat(1000));
    let steps = Talk::evaluating().hear(line).unwrap();
    assert!(matches!(&steps[..], [Step::Said(Said::Raised(raised))] if raised.trace.len() == 40));
}

/// All steps of a recorded stream that comes in pieces.
fn replay<'a>(asked: &Ask, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Step> {
    let (mut talk, mut all) = (Talk::new(), Vec::new());
    for piece in pieces {
        let steps = talk.hear(piece).unwrap();
        if steps.iter().any(|step| matches!(step, Step::Opened(_))) {
            talk.clojure.evaluate(asked, &mut talk.out).unwrap();
        }
        all.extend(steps);
    }
    assert!(talk.input.is_empty());
    all
}

fn recording(name: &str) -> (Vec<u8>, usize) {
    let file = format!("{}/tests/fixtures/clojure/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let stream = std::fs::read(file).unwrap();
    let mark = stream.iter().position(|byte| *byte == 1).unwrap();
    let hello = stream[mark..].iter().position(|byte| *byte == b'\n').unwrap();
    (stream, mark + hello + 1)
}

#[test]
fn real_streams_say_the_same_however_they_are_split() {
    for (name, asked) in recordings::all() {
        let (stream, hello) = recording(name);
        let whole = replay(&asked, [&stream[..hello], &stream[hello..]].into_iter());
        assert!(matches!(whole.first(), Some(Step::Opened(_))), "{name}");
        assert!(matches!(whole.last(), Some(Step::Ended(_))), "{name}");
        assert_eq!(replay(&asked, stream.chunks(1)), whole, "{name}");
        for split in (hello..stream.len()).step_by(1 + stream.len() / 2000) {
            let pieces = [&stream[..hello], &stream[hello..split], &stream[split..]];
            assert_eq!(replay(&asked, pieces.into_iter()), whole, "{name} at {split}");
        }
    }
}

#[test]
fn real_streams_say_what_was_asked() {
    let said = |wanted: &str| {
        let (_, asked) = recordings::all().into_iter().find(|(name, _)| *name == wanted).unwrap();
        let (stream, hello) = recording(wanted);
        replay(&asked, [&stream[..hello], &stream[hello..]].into_iter()).split_off(1)
    };
    let (out, err) = (output(Stream::Out, "o"), output(Stream::Err, "e"));
    let values = [value("1"), out, err, value("2"), value("\"é☃😀\"")];
    assert_eq!(said("forms"), [&values[..], &[ended_after("user", 2)]].concat());
    assert_eq!(said("input"), [Step::Said(Said::NeedInput), value("nil"), ended("user")]);
    assert_eq!(said("namespace"), [value("nil"), ended("made.here")]);
    assert_eq!(said("chatty")[..1], [output(Stream::Out, "0123456789")]);
    assert!(
        matches!(&said("endless")[..], [Step::Said(Said::Value { text, truncated: true }), _] if text.len() == 20_000)
    );
    assert!(matches!(&said("refused")[..], [Step::Ended(End { refused: Some(_), .. })]));
    for (name, phase) in
        [("throw", "execution"), ("reader", "read-source"), ("unprintable", "print-eval-result")]
    {
        let steps = said(name);
        let raised = |step: &Step| matches!(step, Step::Said(Said::Raised(raised)) if &*raised.phase == phase);
        assert!(steps.iter().any(raised), "{name}: {steps:?}");
        assert!(matches!(steps.last(), Some(Step::Ended(End { raised: true, .. }))), "{name}");
    }
}

/// Lines as a peer might send them that knows the protocol and means harm.
fn hostile_line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        "[0-3]",
        "-",
        "(out|err|part|value|raised|input|refused|uncalled|done|hello)",
        "[A-Za-z0-9+/]{0,12}={0,2}",
        "\\PC{0,4}",
    ];
    let words = prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "));
    prop_oneof![
        4 => (0u64..4, words).prop_map(|(id, words)| format!("\x01{id} {words}\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn no_peer_makes_it_panic_or_keep_more_than_a_line(
        lines in prop::collection::vec(hostile_line(), 0..40),
        greeted in any::<bool>(),
    ) {
        let mut talk = if greeted { Talk::evaluating() } else { Talk::new() };
        for line in lines {
            if talk.hear(&line).is_err() {
                break;
            }
            prop_assert!(talk.input.len() < MAX_LINE);
            prop_assert!(!talk.input.contains(&b'\n'));
        }
        prop_assert!(talk.out.is_empty());
    }
}
