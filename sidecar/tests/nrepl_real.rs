//! The nREPL driver against a real nREPL server in a JVM.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by a panic, skips aloud and tells the rate"
)]

mod support {
    pub(crate) mod jvm;
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use prepl_core::{Expression, Input, InterruptStrength, Origin, Raised, Stream};
use prepl_sidecar::budget::Budget;
use prepl_sidecar::driver::nrepl::Nrepl;
use prepl_sidecar::driver::stream::{Ending, StreamSession};
use prepl_sidecar::driver::{Ask, Conversation, End, Runtime, Said, Step};
use prepl_sidecar::input::{Inbox, ends};
use prepl_sidecar::stop::stop_at;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use support::jvm::Jvm;
use tokio::sync::mpsc;

const LONG: Duration = Duration::from_secs(60);

/// The server that the tests share; it ends with this process, as its stdin closes then.
fn shared() -> Option<SocketAddr> {
    static JVM: OnceLock<Option<Jvm>> = OnceLock::new();
    JVM.get_or_init(|| Jvm::start(&["--nrepl", "0"])).as_ref().map(|jvm| jvm.addresses("nrepl")[0])
}

async fn open(address: SocketAddr) -> (StreamSession, Runtime) {
    StreamSession::open(address, Box::new(Nrepl::new()), Budget::default().share(), LONG)
        .await
        .unwrap()
}

fn ask(code: &str) -> Ask {
    Ask {
        expression: Expression::new(code).unwrap(),
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 1 << 20,
        output_bytes: 1 << 20,
        read_only: None,
    }
}

async fn evaluate(session: &mut StreamSession, ask: &Ask) -> (Vec<Said>, Ending) {
    evaluate_for(session, ask, LONG).await
}

async fn evaluate_for(
    session: &mut StreamSession,
    ask: &Ask,
    time: Duration,
) -> (Vec<Said>, Ending) {
    evaluate_reading(session, ask, &Inbox::closed(), time).await
}

/// An inbox with these pieces of input.
async fn given(pieces: &[&'static str]) -> Inbox {
    let (feed, inbox) = ends(true);
    inbox.open();
    for (place, piece) in (0..).zip(pieces) {
        let input = Input::new(place, (*piece).into(), false).unwrap();
        assert_eq!(feed.as_ref().unwrap().give(&input).await, Ok(true));
    }
    inbox
}

async fn evaluate_reading(
    session: &mut StreamSession,
    ask: &Ask,
    inbox: &Inbox,
    time: Duration,
) -> (Vec<Said>, Ending) {
    let (sender, mut receiver) = mpsc::channel(4);
    let (_interrupter, mut stop) = stop_at(tokio::time::Instant::now() + time);
    let evaluating = async {
        let ending = session.evaluate(ask, &sender, inbox, &mut stop, LONG).await;
        drop(sender);
        ending
    };
    let collecting = async {
        let mut said = Vec::new();
        while let Some(one) = receiver.recv().await {
            said.push(one);
        }
        said
    };
    let (ending, said) = tokio::join!(evaluating, collecting);
    (said, ending)
}

/// Opens a session for one evaluation that the runtime answers.
async fn answer(address: SocketAddr, code: &str) -> (Vec<Said>, End) {
    let (mut session, _) = open(address).await;
    let (said, ending) = evaluate(&mut session, &ask(code)).await;
    session.close(LONG).await;
    (said, end(ending))
}

fn end(ending: Ending) -> End {
    match ending {
        Ending::Answered(end) => end,
        other => panic!("{other:?}"),
    }
}

fn value(text: &str) -> Said {
    Said::Value { text: text.into(), truncated: false }
}

fn printed(said: &[Said], wanted: Stream) -> String {
    let bytes = said.iter().filter_map(|one| match one {
        Said::Output(stream, bytes) if *stream == wanted => Some(bytes.to_vec()),
        _ => None,
    });
    String::from_utf8(bytes.flatten().collect()).unwrap()
}

fn values(said: &[Said]) -> Vec<&str> {
    let texts = said.iter().filter_map(|one| match one {
        Said::Value { text, .. } => Some(&**text),
        _ => None,
    });
    texts.collect()
}

fn raised(said: &[Said]) -> &Raised {
    let found = said.iter().find_map(|one| match one {
        Said::Raised(raised) => Some(raised),
        _ => None,
    });
    found.unwrap()
}

#[tokio::test]
async fn opening_tells_language_version_and_interrupt() {
    let Some(address) = shared() else { return };
    let (session, runtime) = open(address).await;
    assert_eq!(&*runtime.language, "clojure");
    assert!(runtime.version.starts_with("1.12"), "{}", runtime.version);
    assert_eq!(runtime.interrupt, InterruptStrength::Cooperative);
    session.close(LONG).await;
}

#[tokio::test]
async fn a_value_comes_back_with_the_namespace() {
    let Some(address) = shared() else { return };
    let (said, end) = answer(address, "(+ 1 2)").await;
    assert_eq!(said, [value("3")]);
    assert_eq!(end, End { namespace: Some("user".into()), ..End::default() });
}

#[tokio::test]
async fn each_form_has_its_value_and_streams_are_told_apart() {
    let Some(address) = shared() else { return };
    let code = r#"(println "é") (binding [*out* *err*] (println "bad")) 42"#;
    let (said, end) = answer(address, code).await;
    assert_eq!(values(&said), ["nil", "nil", "42"]);
    assert_eq!(printed(&said, Stream::Out), "é\n");
    assert_eq!(printed(&said, Stream::Err), "bad\n");
    assert!(!end.raised);
}

#[tokio::test]
async fn an_exception_has_class_message_phase_and_trace() {
    let Some(address) = shared() else { return };
    let code = r#"(throw (ex-info "no \"such\" order" {:phase :mine} (Error. "root"))) :next"#;
    let (said, end) = answer(address, code).await;
    let raised = raised(&said);
    assert_eq!((&*raised.class, &*raised.message), ("java.lang.Error", "root"));
    assert_eq!(&*raised.phase, "execution");
    assert!(raised.trace[0].contains("user$eval"), "{:?}", raised.trace);
    assert_eq!(values(&said), [":next"]);
    assert_eq!(printed(&said, Stream::Err), "", "the report was shown a second time");
    assert!(end.raised);
}

#[tokio::test]
async fn a_compile_error_raises_and_tells_its_phase() {
    let Some(address) = shared() else { return };
    let (said, end) = answer(address, "(nope 1)").await;
    let raised = raised(&said);
    assert_eq!(&*raised.class, "java.lang.RuntimeException");
    assert_eq!(&*raised.message, "Unable to resolve symbol: nope in this context");
    assert_eq!(&*raised.phase, "compile-syntax-check");
    assert!(end.raised);
}

#[tokio::test]
async fn a_small_value_limit_leaves_the_exception_whole() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let small = Ask { value_bytes: 1, ..ask("(/ 1 0)") };
    let (said, _) = evaluate(&mut session, &small).await;
    assert_eq!(&*raised(&said).message, "Divide by zero");
    assert!(raised(&said).trace.len() > 3);
}

#[tokio::test]
async fn an_unreadable_text_is_refused_before_anything_runs() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let (said, ending) = evaluate(&mut session, &ask("(def ran 1) (foo")).await;
    assert_eq!(said, []);
    let Ending::Unreadable(why) = ending else { panic!("{ending:?}") };
    assert!(why.0.contains("a list that begins at line 1, column 13"), "{why}");
    let (said, _) = evaluate(&mut session, &ask("(resolve 'ran)")).await;
    assert_eq!(said, [value("nil")]);
}

#[tokio::test]
async fn an_endless_value_is_cut() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let (said, ending) = evaluate(&mut session, &Ask { value_bytes: 8, ..ask("(range)") }).await;
    assert_eq!(said, [Said::Value { text: "(0 1 2 3".into(), truncated: true }]);
    assert!(!end(ending).raised);
    let largest = Ask { value_bytes: 64 << 20, ..ask("(repeat \"☃\")") };
    let (said, _) = evaluate(&mut session, &largest).await;
    let [Said::Value { text, truncated: true }] = &said[..] else { panic!("not cut") };
    assert!(text.len() > 5 << 20, "{}", text.len());
}

#[tokio::test]
async fn a_sleeper_stops_at_its_deadline_and_the_session_lives_on() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let sleep = ask("(Thread/sleep 600000)");
    let (said, ending) = evaluate_for(&mut session, &sleep, Duration::from_millis(50)).await;
    let end = end(ending);
    assert!(end.interrupted && end.raised && !end.may_still_run, "{end:?}");
    assert_eq!(&*raised(&said).class, "java.lang.InterruptedException");
    let (said, _) = evaluate(&mut session, &ask("(+ 1 1)")).await;
    assert_eq!(said, [value("2")]);
}

#[tokio::test]
async fn a_busy_loop_is_said_to_run_on_perhaps() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let spin = ask("(while true)");
    let (_, ending) = evaluate_for(&mut session, &spin, Duration::from_millis(50)).await;
    assert!(!ending.keeps_session(), "{ending:?}");
    let end = end(ending);
    assert!(end.interrupted && end.may_still_run, "{end:?}");
}

#[tokio::test]
async fn a_read_gets_the_end_of_input_at_once() {
    let Some(address) = shared() else { return };
    let (said, _) = answer(address, "(read-line) (read-line)").await;
    let need = Said::NeedInput;
    assert_eq!(said, [need.clone(), value("nil"), need, value("nil")]);
}

#[tokio::test]
async fn a_read_gets_the_lines_that_were_given_and_nothing_is_left_for_the_next() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let inbox = given(&["o", "ne\ntwo ☃\n(+ 1 2)\n", "left\n"]).await;
    let asked = ask("[(read-line) (read-line) (eval (read-string (read-line)))]");
    let (said, _) = evaluate_reading(&mut session, &asked, &inbox, LONG).await;
    assert_eq!(values(&said), ["[\"one\" \"two ☃\" 3]"]);
    assert_eq!(said.iter().filter(|said| **said == Said::NeedInput).count(), 3, "{said:?}");
    drop(inbox);
    let (said, _) = evaluate(&mut session, &ask("(read-line) (read-line)")).await;
    assert_eq!(values(&said), ["nil", "nil"]);
}

#[tokio::test]
async fn a_read_waits_for_input_and_is_interrupted_when_its_time_is_over() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let (_feed, inbox) = ends(true);
    inbox.open();
    let (sender, mut receiver) = mpsc::channel(64);
    let (interrupter, mut stop) = stop_at(tokio::time::Instant::now() + LONG);
    let asked = ask("(read-line)");
    let evaluating = session.evaluate(&asked, &sender, &inbox, &mut stop, LONG);
    let watching = async {
        assert_eq!(receiver.recv().await, Some(Said::NeedInput));
        interrupter.interrupt();
        while receiver.recv().await.is_some() {}
    };
    let ending = tokio::select! {
        ending = evaluating => ending,
        () = watching => panic!("the channel is open"),
    };
    assert!(end(ending).interrupted);
}

#[tokio::test]
async fn the_session_keeps_its_namespace() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let (_, ending) = evaluate(&mut session, &ask("(ns kept.here) (def x 7)")).await;
    assert_eq!(end(ending).namespace.as_deref(), Some("kept.here"));
    let (said, _) = evaluate(&mut session, &ask("x [*1 (str *ns*)]")).await;
    assert_eq!(values(&said), ["7", "[7 \"kept.here\"]"]);
}

#[tokio::test]
async fn a_session_goes_on_where_one_of_the_server_would_end() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    evaluate(&mut session, &ask("(ns worn.here) (def x 7)")).await;
    for number in 0..5000 {
        let (said, _) = evaluate(&mut session, &ask(&format!("(+ {number} 1)"))).await;
        assert_eq!(said, [value(&(number + 1).to_string())]);
    }
    let (said, ending) = evaluate(&mut session, &ask("[x *1 *2 (str *ns*)]")).await;
    assert_eq!(said, [value("[7 5000 4999 \"worn.here\"]")]);
    assert_eq!(end(ending).namespace.as_deref(), Some("worn.here"));
    evaluate(&mut session, &ask("(in-ns 'worn.there)")).await;
    let (said, _) = evaluate(&mut session, &ask("(clojure.core/str clojure.core/*ns*)")).await;
    assert_eq!(said, [value("\"worn.there\"")]);
}

#[tokio::test]
async fn a_namespace_of_the_asker_is_used_or_refused() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let within = |name: &str, code| Ask { namespace: Some(Arc::from(name)), ..ask(code) };
    let (said, _) = evaluate(&mut session, &within("session-store.core", "(count-sessions)")).await;
    assert_eq!(said, [value("12")]);
    let (said, ending) = evaluate(&mut session, &within("no.such", "(+ 1 1)")).await;
    assert!(said.is_empty() && ending.keeps_session(), "{said:?} {ending:?}");
    let refused = end(ending).refused.unwrap();
    assert!(refused.reason().contains("no namespace no.such"), "{refused:?}");
    let (said, _) = evaluate(&mut session, &ask("*1")).await;
    assert_eq!(said, [value("12")]);
}

#[tokio::test]
async fn late_output_is_counted_and_never_given_to_the_next_evaluation() {
    let Some(address) = shared() else { return };
    let (mut session, _) = open(address).await;
    let start = r#"(def go (promise)) (future @go (println "late") (flush) (deliver said 1))"#;
    evaluate(&mut session, &ask("(def said (promise))")).await;
    evaluate(&mut session, &ask(start)).await;
    let (said, _) = evaluate(&mut session, &ask("(deliver go 1) @said :end")).await;
    assert_eq!(printed(&said, Stream::Out), "");
    let (said, _) = evaluate(&mut session, &ask("1")).await;
    let [Said::Notice(notice), Said::Value { .. }] = &said[..] else { panic!("{said:?}") };
    assert!(notice.starts_with("5 bytes printed late"), "{notice}");
}

#[tokio::test]
async fn a_crash_of_the_runtime_is_a_lost_evaluation() {
    let Some(mut jvm) = Jvm::start(&["--nrepl", "0"]) else { return };
    let (mut session, _) = open(jvm.addresses("nrepl")[0]).await;
    let (sender, mut receiver) = mpsc::channel(4);
    let (_interrupter, mut stop) = stop_at(tokio::time::Instant::now() + LONG);
    let ask = ask("(print \"started\") (flush) (Thread/sleep 600000)");
    let crashing = async {
        receiver.recv().await.unwrap();
        jvm.kill();
        receiver
    };
    let inbox = Inbox::closed();
    let evaluating = session.evaluate(&ask, &sender, &inbox, &mut stop, LONG);
    let (ending, _receiver) = tokio::join!(evaluating, crashing);
    assert!(matches!(ending, Ending::Lost(_)), "{ending:?}");
}

/// Texts of forms and of the characters that make a reader stumble.
fn texts(count: usize) -> Vec<String> {
    let token = proptest::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\\",
        "#",
        "#!",
        "#_",
        "#\"",
        ";",
        "\n",
        "\r",
        " ",
        ",",
        "'",
        "`",
        "~",
        "@",
        "^",
        "%",
        "%1",
        "a",
        "-",
        "+1",
        "1",
        ":",
        "x#",
        "x'",
        "\\a",
        "\\(",
        "\\newline",
        "#(",
        "#{",
        "#?(:clj 1)",
        "##Inf",
        "#'x",
        "\u{a0}",
        "\u{85}",
        "\u{1c}",
        "\u{2007}",
        "\u{180e}",
        "é",
    ]);
    let text = proptest::collection::vec(token, 1..7).prop_map(|tokens| tokens.concat());
    let mut runner = TestRunner::default();
    (0..count).map(|_| text.new_tree(&mut runner).unwrap().current()).collect()
}

/// A Clojure string of hexadecimal UTF-16, so that no text can upset the question.
fn hex(texts: &[String]) -> String {
    let one =
        |text: &String| text.encode_utf16().map(|unit| format!("{unit:04x}")).collect::<String>();
    texts.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Which of the texts the runtime's reader reads to their end.
async fn read_by_the_runtime(address: SocketAddr, texts: &[String]) -> Vec<bool> {
    let code = format!(
        r#"(let [text (fn [hex] (apply str (map #(char (Integer/parseInt (apply str %) 16)) (partition 4 hex))))
                 reads? (fn [text]
                          (let [reader (clojure.lang.LineNumberingPushbackReader. (java.io.StringReader. text))
                                end (Object.)]
                            (try (loop []
                                   (if (identical? end (read {{:eof end :read-cond :allow}} reader)) 1 (recur)))
                                 (catch Throwable _ 0))))]
             (apply str (map (comp reads? text) (.split "{}" " "))))"#,
        hex(texts),
    );
    let (said, _) = answer(address, &code).await;
    values(&said)[0].trim_matches('"').chars().map(|answer| answer == '1').collect()
}

#[tokio::test]
async fn what_the_real_reader_accepts_is_never_refused() {
    let Some(address) = shared() else { return };
    let (mut refused, mut accepted) = (0, 0);
    // A string in Java's bytecode has at most 65,535 bytes: one thousand texts.
    for texts in texts(20_000).chunks(1000) {
        let reads = read_by_the_runtime(address, texts).await;
        assert_eq!(reads.len(), texts.len());
        for (text, reads) in texts.iter().zip(reads) {
            let flaw = prepl_reader::flaw(text);
            assert!(!reads || flaw.is_none(), "{text:?} is readable: {flaw:?}");
            refused += usize::from(flaw.is_some());
            accepted += usize::from(reads);
        }
    }
    println!("of 20000 texts the reader accepts {accepted} and the check refuses {refused}");
    assert!(accepted > 500 && refused > 500);
}

#[tokio::test]
async fn many_evaluations_in_a_row() {
    let Some(address) = shared() else { return };
    let (in_a_session, rounds, plain_rounds) = (500, 1_000, 50);
    let begun = Instant::now();
    for _ in 0..rounds / in_a_session {
        let (mut session, _) = open(address).await;
        for _ in 0..in_a_session {
            let (said, _) = evaluate(&mut session, &ask("(+ 1 1)")).await;
            assert_eq!(said, [value("2")]);
        }
        session.close(LONG).await;
    }
    let each = begun.elapsed() / rounds;
    let plain = tokio::task::spawn_blocking(move || plain_client(address, plain_rounds));
    let plain_each = plain.await.unwrap() / plain_rounds;
    let ratio = plain_each.as_secs_f64() / each.as_secs_f64();
    println!("an evaluation takes {each:?}, without TCP_QUICKACK {plain_each:?}: {ratio:.1} times");
}

/// The same evaluations over a socket that leaves acknowledgements to the system.
fn plain_client(address: SocketAddr, rounds: u32) -> Duration {
    let mut socket = TcpStream::connect(address).unwrap();
    let (mut conversation, mut out) = (Nrepl::new(), BytesMut::new());
    let mut input = BytesMut::new();
    let mut until = |conversation: &mut Nrepl, out: &mut BytesMut, wanted: fn(&Step) -> bool| {
        loop {
            socket.write_all(&out.split()).unwrap();
            let mut piece = [0; 4096];
            let size = socket.read(&mut piece).unwrap();
            input.extend_from_slice(&piece[..size]);
            let mut steps = Default::default();
            conversation.receive(&mut input, out, &mut steps).unwrap();
            if steps.iter().any(wanted) {
                return;
            }
        }
    };
    conversation.open(&mut out);
    until(&mut conversation, &mut out, |step| matches!(step, Step::Opened(_)));
    let begun = Instant::now();
    for _ in 0..rounds {
        conversation.evaluate(&ask("(+ 1 1)"), &mut out).unwrap();
        until(&mut conversation, &mut out, |step| matches!(step, Step::Ended(_)));
    }
    begun.elapsed()
}
