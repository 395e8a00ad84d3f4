//! What a real nREPL server said, replayed through the conversation in pieces of any size.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod support {
    pub(crate) mod recorded;
}

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use prepl_core::{Expression, Origin, Raised, Stream};
use prepl_sidecar::driver::nrepl::Nrepl;
use prepl_sidecar::driver::{Ask, Conversation, End, Refused, Said, Step, Unreadable};
use proptest::prelude::*;
use proptest::sample::select;
use support::recorded::Recorded;

const WHOLE: &[usize] = &[usize::MAX];
const NAMES: [&str; 11] = [
    "nrepl-clone-close",
    "nrepl-describe",
    "nrepl-eval",
    "nrepl-eval-exception",
    "nrepl-eval-forms-out-err",
    "nrepl-eval-quota",
    "nrepl-eval-unresolved-symbol",
    "nrepl-interrupt",
    "nrepl-interrupt-idle",
    "nrepl-need-input",
    "nrepl-unknown-session",
];

/// A conversation with a recorded server; its bytes come in pieces of these sizes, in turn.
struct Replay<'a> {
    server: Recorded,
    conversation: Nrepl,
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
    out: BytesMut,
    input: BytesMut,
    steps: VecDeque<Step>,
}

impl<'a> Replay<'a> {
    fn opened(server: Recorded, sizes: &'a [usize]) -> Replay<'a> {
        let mut replay = Replay {
            server,
            conversation: Nrepl::new(),
            sizes: sizes.iter().cycle(),
            out: BytesMut::new(),
            input: BytesMut::new(),
            steps: VecDeque::new(),
        };
        replay.conversation.open(&mut replay.out);
        replay.exchange();
        replay
    }

    /// Does what the recorded client did next.
    fn request(&mut self, op: &str, code: Option<&str>) {
        match op {
            "eval" => self.evaluate(code.unwrap()).unwrap(),
            "interrupt" => self.conversation.interrupt(&mut self.out),
            "close" => self.conversation.close(&mut self.out),
            "stdin" => self.conversation.input(b"", &mut self.out),
            other => panic!("the conversation did not send {other} by itself"),
        }
    }

    fn evaluate(&mut self, code: &str) -> Result<(), Unreadable> {
        self.conversation.evaluate(&ask(code), &mut self.out)
    }

    /// Lets both sides speak until both are silent.
    fn exchange(&mut self) {
        loop {
            let mut bytes = self.server.answer(&mut self.out);
            if bytes.is_empty() {
                return;
            }
            while bytes.has_remaining() {
                let size = self.sizes.next().unwrap();
                self.input.unsplit(bytes.split_to(bytes.len().min(*size)));
                let Replay { conversation, input, out, steps, .. } = self;
                conversation.receive(input, out, steps).unwrap();
            }
            assert!(self.input.is_empty(), "a whole message was left in the buffer");
        }
    }
}

fn replay(name: &str, sizes: &[usize]) -> Vec<Step> {
    let mut replay = Replay::opened(Recorded::new(name), sizes);
    while let Some(request) = replay.server.next_request() {
        let op = request.get_str("op").unwrap().to_owned();
        let code = request.get_str("code").map(str::to_owned);
        replay.request(&op, code.as_deref());
        if replay.out.is_empty() {
            replay.server.skip_request();
        }
        replay.exchange();
    }
    replay.steps.into()
}

/// The steps after the opening.
fn said(name: &str) -> Vec<Step> {
    let mut steps = replay(name, WHOLE);
    let opening = steps.remove(0);
    assert!(matches!(opening, Step::Opened(_)), "{opening:?}");
    steps
}

fn ask(code: &str) -> Ask {
    Ask {
        expression: Expression::new(code).unwrap(),
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 64,
        output_bytes: 1 << 20,
        read_only: None,
    }
}

fn value(text: &str) -> Step {
    Step::Said(Said::Value { text: text.into(), truncated: false })
}

fn output(stream: Stream, text: &'static str) -> Step {
    Step::Said(Said::Output(stream, Bytes::from_static(text.as_bytes())))
}

fn end_in(namespace: &str) -> End {
    End { namespace: Some(namespace.into()), ..End::default() }
}

fn raised(steps: &[Step]) -> &Raised {
    let found = steps.iter().find_map(|step| match step {
        Step::Said(Said::Raised(raised)) => Some(raised),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn opening_tells_what_the_runtime_is() {
    let steps = replay("nrepl-describe", WHOLE);
    let [Step::Opened(runtime)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((&*runtime.language, &*runtime.version), ("clojure", "1.12.6"));
}

#[test]
fn one_form_gives_one_value() {
    assert_eq!(said("nrepl-eval"), [value("3"), Step::Ended(end_in("user"))]);
}

#[test]
fn forms_out_and_err_keep_their_order() {
    let expected = [
        output(Stream::Out, "é☃\n"),
        value("nil"),
        output(Stream::Err, "bad\n"),
        value("nil"),
        value("nil"),
        value("42"),
        Step::Ended(end_in("a.b")),
    ];
    assert_eq!(said("nrepl-eval-forms-out-err"), expected);
}

#[test]
fn an_exception_is_told_once_and_outlives_later_values() {
    let steps = said("nrepl-eval-exception");
    let raised = raised(&steps);
    assert_eq!(&*raised.class, "java.lang.ArithmeticException");
    assert_eq!(&*raised.message, "Divide by zero");
    assert_eq!(&*raised.phase, "execution");
    assert_eq!(&*raised.trace[0], "clojure.lang.Numbers/divide (Numbers.java:190)");
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert_eq!(steps[1], value(":next"));
    assert_eq!(steps[2], Step::Ended(End { raised: true, ..end_in("user") }));
}

#[test]
fn a_compile_error_without_its_data_is_read_from_the_report() {
    let steps = said("nrepl-eval-unresolved-symbol");
    let raised = raised(&steps);
    assert_eq!(&*raised.class, "clojure.lang.Compiler$CompilerException");
    assert_eq!(&*raised.message, "Unable to resolve symbol: nope in this context");
    assert_eq!(&*raised.phase, "compile-syntax-check");
    assert_eq!(steps.len(), 2, "{steps:?}");
}

#[test]
fn a_value_cut_by_the_server_is_said_to_be_cut() {
    let text = "(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 2";
    let (text, truncated) = (text[..64].into(), true);
    let cut = Step::Said(Said::Value { text, truncated });
    assert_eq!(said("nrepl-eval-quota"), [cut, Step::Ended(end_in("user"))]);
}

#[test]
fn an_interrupt_ends_the_evaluation_and_its_own_answer_does_not() {
    let steps = said("nrepl-interrupt");
    assert_eq!(steps[0], output(Stream::Out, "started"));
    assert_eq!(&*raised(&steps).class, "java.lang.InterruptedException");
    let end = End { raised: true, interrupted: true, ..End::default() };
    assert_eq!(steps[2..], [Step::Ended(end)]);
}

#[test]
fn an_interrupt_without_an_evaluation_sends_nothing() {
    assert_eq!(said("nrepl-interrupt-idle"), []);
}

#[test]
fn a_read_is_answered_with_the_end_of_input() {
    let need = Step::Said(Said::NeedInput);
    let (first, second) = (value("\"ada\""), value("nil"));
    let end = Step::Ended(end_in("user"));
    assert_eq!(said("nrepl-need-input"), [need.clone(), first, end.clone(), need, second, end]);
}

#[test]
fn a_forgotten_session_refuses() {
    let steps = said("nrepl-unknown-session");
    let [Step::Ended(End { refused: Some(Refused::Forgotten(why)), raised: false, .. })] =
        &steps[..]
    else {
        panic!("{steps:?}")
    };
    assert!(why.contains("forgotten this session"), "{why}");
}

#[test]
fn an_unreadable_text_is_not_sent() {
    let mut replay = Replay::opened(Recorded::new("nrepl-eval-reader-error"), WHOLE);
    let unreadable = replay.evaluate("1 (foo").unwrap_err();
    assert!(unreadable.0.contains("a list that begins at line 1, column 3"), "{unreadable}");
    assert!(replay.out.is_empty());
}

#[test]
fn a_reader_error_of_the_server_raises_after_the_values_before_it() {
    let mut replay = Replay::opened(Recorded::new("nrepl-eval-reader-error"), WHOLE);
    // A text that the check lets through; the server's words are those for "1 (foo".
    replay.evaluate("1 #=foo").unwrap();
    replay.exchange();
    let steps: Vec<Step> = replay.steps.into_iter().skip(1).collect();
    assert_eq!(steps[0], value("1"));
    assert_eq!(&*raised(&steps).message, "EOF while reading, starting at line 1");
    assert_eq!(&*raised(&steps).phase, "read-source");
    assert_eq!(steps.last(), Some(&Step::Ended(End { raised: true, ..end_in("user") })));
}

proptest! {
    #[test]
    fn the_size_of_the_pieces_changes_nothing(
        name in select(&NAMES),
        sizes in prop::collection::vec(1_usize..300, 1..20),
    ) {
        prop_assert_eq!(replay(name, &sizes), replay(name, WHOLE));
    }
}

#[test]
fn single_bytes_change_nothing() {
    for name in NAMES {
        assert_eq!(replay(name, &[1]), replay(name, WHOLE), "{name}");
    }
}
