//! The plain socket REPL of a real JVM, through the upgrade.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, and skips aloud"
)]

#[path = "support/jvm.rs"]
mod jvm;
#[path = "support/recordings.rs"]
mod recordings;
#[path = "support/clojure_session.rs"]
mod session;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::SocketAddr;

use bytes::BytesMut;
use jvm::Jvm;
use prepl_core::{Input, Stream};
use prepl_sidecar::driver::clojure::Clojure;
use prepl_sidecar::driver::stream::Ending;
use prepl_sidecar::driver::{Ask, Conversation, End, Refused, Said, Step};
use prepl_sidecar::input::{Inbox, ends};
use prepl_sidecar::stop::stop_at;
use session::{PATIENCE, SHORT, Session, address, ask, printed, two, value};
use tokio::sync::mpsc;
use tokio::time::Instant;

#[tokio::test]
async fn the_runtime_tells_what_it_is() {
    let Some(address) = address() else { return };
    let (mut session, runtime) = Session::open_at(address).await;
    let version = session
        .value("(str (clojure-version) \" on Java \" (System/getProperty \"java.version\"))")
        .await;
    assert_eq!(format!("\"{}\"", runtime.version), version);
    assert_eq!(&*runtime.language, "clojure");
}

#[tokio::test]
async fn every_form_has_its_value_between_what_it_prints() {
    let Some(mut session) = Session::open().await else { return };
    let text =
        "1 (do (print \"a\") (binding [*out* *err*] (println \"b\")) :x) (println \"c\") ; end";
    let out = |text: &'static str| Said::Output(Stream::Out, text.into());
    let err = |text: &'static str| Said::Output(Stream::Err, text.into());
    let said = session.say(text).await;
    assert_eq!(said, [value("1"), out("a"), err("b\n"), value(":x"), out("c\n"), value("nil")]);
    assert_eq!(session.say("; nothing").await, []);
    assert_eq!(session.value("(count-sessions)").await, "12");
}

#[tokio::test]
async fn a_throw_ends_the_text_and_is_told_with_its_trace() {
    let Some(mut session) = Session::open().await else { return };
    let (said, raised) = session.raises(":before (/ 1 0) :after").await;
    assert_eq!(said, [value(":before")]);
    assert_eq!(
        (&*raised.class, &*raised.message),
        ("java.lang.ArithmeticException", "Divide by zero")
    );
    assert_eq!(&*raised.phase, "execution");
    assert!(raised.trace[0].starts_with("clojure.lang.Numbers.divide("), "{raised:?}");
    assert!(!raised.trace.iter().any(|frame| frame.contains("Compiler.eval")), "{raised:?}");
    assert_eq!(session.value("(.getMessage *e)").await, "\"Divide by zero\"");
}

#[tokio::test]
async fn an_error_names_its_phase_and_place() {
    let Some(mut session) = Session::open().await else { return };
    let cases = [
        (
            "\n (nope)",
            "compile-syntax-check",
            "Unable to resolve symbol: nope in this context (line 2, column 2)",
        ),
        (
            "(let [x] x)",
            "macro-syntax-check",
            "Call to clojure.core/let did not conform to spec. (line 1, column 1)",
        ),
        (
            "#nope/tag 1 :after",
            "read-source",
            "No reader function for tag nope/tag (line 1, column 12)",
        ),
        ("(reify Object (toString [_] (throw (Exception. \"p\"))))", "print-eval-result", "p"),
        ("(def broken (throw (Exception. \"d\")))", "execution", "d"),
    ];
    for (text, phase, message) in cases {
        let (said, raised) = session.raises(text).await;
        assert_eq!((said.len(), &*raised.phase, &*raised.message), (0, phase, message), "{text}");
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_printed_is_let_go() {
    let Some(mut session) = Session::open().await else { return };
    let (said, raised) = session.raises(":kept (map #(/ 1 %) [1 0])").await;
    assert_eq!((&said[..], &*raised.phase), (&[value(":kept")][..], "print-eval-result"));
    assert_eq!(session.value("*1").await, ":kept");
}

#[tokio::test]
async fn the_detail_of_an_exception_is_bounded() {
    let Some(mut session) = Session::open().await else { return };
    let (_, raised) =
        session.raises("(throw (Exception. (apply str (repeat 100000 \"\u{2603}\"))))").await;
    assert_eq!(raised.message.chars().count(), 4096);
    let (_, raised) = session.raises("(defn down [n] (inc (down n))) (down 1)").await;
    assert_eq!((&*raised.class, raised.trace.len()), ("java.lang.StackOverflowError", 40));
    let (_, raised) = session
        .raises("(throw (proxy [Exception] [] (getMessage [] (throw (Error. \"no\")))))")
        .await;
    assert_eq!(&*raised.message, "");
}

#[tokio::test]
async fn an_unfinished_text_is_refused_before_anything_runs() {
    let Some(mut session) = Session::open().await else { return };
    let (said, ending) = session.run(&ask("(def never-defined true) (+ 1"), PATIENCE).await;
    assert!(matches!(ending, Ending::Unreadable(_)) && said.is_empty(), "{ending:?}");
    assert_eq!(session.value("(resolve 'never-defined)").await, "nil");
}

#[tokio::test]
async fn an_endless_value_is_cut_at_its_limit() {
    let Some(mut session) = Session::open().await else { return };
    for limit in [1, 64, 8192, 100_000] {
        let (said, end) = session.answer(&Ask { value_bytes: limit, ..ask("(range) :next") }).await;
        let [Said::Value { text, truncated: true }, Said::Value { .. }] = &said[..] else {
            panic!("{said:?}")
        };
        assert_eq!((text.len(), end.raised), (limit as usize, false));
        assert!("(0 1 2 3".starts_with(&text[..text.len().min(8)]));
    }
}

#[tokio::test]
async fn a_value_of_just_the_limit_is_whole() {
    let Some(mut session) = Session::open().await else { return };
    let (said, _) = session.answer(&Ask { value_bytes: 6, ..ask("1234 :12345") }).await;
    assert_eq!(said, [value("1234"), value(":12345")]);
    let (said, _) = session.answer(&Ask { value_bytes: 5, ..ask(":12345") }).await;
    assert_eq!(said, [Said::Value { text: ":1234".into(), truncated: true }]);
}

#[tokio::test]
async fn a_chatty_evaluation_still_gives_its_value() {
    let Some(mut session) = Session::open().await else { return };
    let text = "(dotimes [_ 100000] (println \"0123456789\")) :done";
    let (said, end) = session.answer(&Ask { output_bytes: 1000, ..ask(text) }).await;
    assert_eq!(printed(&said, Stream::Out).len(), 1000);
    assert!(said.contains(&value(":done")));
    assert_eq!(end.output_bytes, Some(1_100_000));
}

#[tokio::test]
async fn the_deadline_stops_a_flood_on_either_stream() {
    let Some(mut session) = Session::open().await else { return };
    for stream in ["*out*", "*err*"] {
        let text = format!("(binding [*out* {stream}] (while true (println \"flood\")))");
        let flood = Ask { output_bytes: 1000, ..ask(&text) };
        let (said, ending) = session.run(&flood, SHORT).await;
        assert!(matches!(&ending, Ending::Answered(end) if end.interrupted), "{ending:?}");
        assert_eq!(printed(&said, Stream::Out).len() + printed(&said, Stream::Err).len(), 1000);
        assert_eq!(session.value("(+ 1 2)").await, "3");
    }
}

#[tokio::test]
async fn the_deadline_stops_a_sleep_and_the_rest_of_the_text() {
    let Some(mut session) = Session::open().await else { return };
    let text = "(try (Thread/sleep 60000) (catch InterruptedException _ :woken)) :never";
    let (said, ending) = session.run(&ask(text), SHORT).await;
    assert!(
        matches!(&ending, Ending::Answered(End { interrupted: true, raised: false, .. })),
        "{ending:?}"
    );
    assert_eq!(said, [value(":woken")]);
    let (said, ending) = session.run(&ask("(Thread/sleep 60000)"), SHORT).await;
    assert!(
        matches!(&ending, Ending::Answered(End { interrupted: true, raised: true, .. })),
        "{ending:?}"
    );
    let class = |said: &Said| matches!(said, Said::Raised(raised) if &*raised.class == "java.lang.InterruptedException");
    assert!(said.iter().any(class), "{said:?}");
    assert_eq!(session.value("(Thread/interrupted)").await, "false");
}

#[tokio::test]
async fn a_loop_that_does_not_listen_is_left_unconfirmed() {
    let Some((mut busy, mut other)) = two().await else { return };
    let (_, ending) = busy.run(&ask("(def spinning (atom true)) (while @spinning)"), SHORT).await;
    assert!(matches!(ending, Ending::Unconfirmed) && !ending.keeps_session(), "{ending:?}");
    assert_eq!(other.value("(reset! spinning false)").await, "false");
}

#[tokio::test]
async fn what_a_user_sets_stays_in_the_session_and_breaks_nothing() {
    let Some((mut mine, mut yours)) = two().await else { return };
    mine.say("(set! *print-length* 2) (set! *print-level* 1) (set! *warn-on-reflection* true)")
        .await;
    assert_eq!(mine.value("[[1] 2 3]").await, "[# 2 ...]");
    assert_eq!(mine.value("*warn-on-reflection*").await, "true");
    assert_eq!(mine.value("*2").await, "[# 2 ...]");
    assert_eq!(yours.value("[[1] 2 3]").await, "[[1] 2 3]");
    assert_eq!(yours.value("[*2 *1]").await, "[nil [[1] 2 3]]");
}

#[tokio::test]
async fn a_namespace_is_kept_or_taken_for_one_evaluation() {
    let Some(mut session) = Session::open().await else { return };
    let (_, end) =
        session.answer(&ask("(ns kept.here (:require [clojure.set :as s])) (def x 1)")).await;
    assert_eq!(end.namespace.as_deref(), Some("kept.here"));
    assert_eq!(session.value("[x ::s/y]").await, "[1 :clojure.set/y]");
    let (said, end) =
        session.answer(&Ask { namespace: Some("user".into()), ..ask("(str *ns*)") }).await;
    assert_eq!(
        (&said[..], end.namespace.as_deref()),
        (&[value("\"user\"")][..], Some("kept.here"))
    );
    let moving = Ask { namespace: Some("user".into()), ..ask("(in-ns 'moved.there)") };
    assert_eq!(session.answer(&moving).await.1.namespace.as_deref(), Some("moved.there"));
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_nothing_runs() {
    let Some(mut session) = Session::open().await else { return };
    let (said, end) =
        session.answer(&Ask { namespace: Some("no such".into()), ..ask("(println 1)") }).await;
    let refused = Some(Refused::Runtime("no namespace no such is loaded".into()));
    assert_eq!((said.len(), end.refused), (0, refused));
    assert_eq!(session.value("*1").await, "nil");
}

#[tokio::test]
async fn reading_input_meets_its_end_and_is_told_once() {
    let Some(mut session) = Session::open().await else { return };
    let said = session.say("[(read-line) (read-line) (.read *in*)]").await;
    assert_eq!(said, [Said::NeedInput, value("[nil nil -1]")]);
}

#[tokio::test]
async fn a_read_gets_the_lines_that_were_given_and_then_their_end() {
    let Some(mut session) = Session::open().await else { return };
    let (feed, inbox) = ends(true);
    inbox.open();
    let text = "one\ntwo ☃\n(+ 1 2)\nlast";
    let all = Input::new(0, text.into(), true).unwrap();
    assert_eq!(feed.unwrap().give(&all).await, Ok(true));
    let asked = ask("[(read-line) (read-line) (eval (read)) (read-line) (read-line) (read-line)]");
    let (said, ending) = session.run_reading(&asked, &inbox, PATIENCE).await;
    let read = "[\"one\" \"two ☃\" 3 \"\" \"last\" nil]";
    assert_eq!(said.last(), Some(&value(read)), "{said:?} {ending:?}");
    assert_eq!(said.len(), 6, "it asks for each line and for the end: {said:?}");
    assert_eq!(session.value("1").await, "1");
}

#[tokio::test]
async fn a_read_that_waits_is_interrupted_and_a_thread_left_behind_reads_the_end() {
    let Some(mut session) = Session::open().await else { return };
    let (_feed, inbox) = ends(true);
    inbox.open();
    let (said, ending) = session.run_reading(&ask("(read-line)"), &inbox, SHORT).await;
    let Ending::Answered(end) = ending else { panic!("{ending:?}") };
    assert!(end.interrupted && said[0] == Said::NeedInput, "{said:?}");
    session.say("(def left (let [go (promise)] [go (future @go (read-line))]))").await;
    assert_eq!(session.value("(do (deliver (first left) 1) @(second left))").await, "nil");
}

#[test]
fn text_beyond_ascii_passes_both_ways_in_a_jvm_without_a_locale() {
    if std::env::var_os("LC_ALL").is_none_or(|locale| locale != "C") {
        let name = "text_beyond_ascii_passes_both_ways_in_a_jvm_without_a_locale";
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env("LC_ALL", "C")
            .output();
        let again = again.unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(mut session) = Session::open().await else { return };
        let said = session.say("(print \"é☃😀\") [\"é☃😀\" (count \"é☃😀\")]").await;
        let out = Said::Output(Stream::Out, "é☃😀".into());
        assert_eq!(said, [out, value("nil"), value("[\"é☃😀\" 4]")]);
        // A character of two halves on the edge of a piece.
        let text = "(print (apply str \"a\" (repeat 10000 \"😀\")))";
        let said = session.say(text).await;
        assert_eq!(printed(&said, Stream::Out), format!("a{}", "😀".repeat(10000)).as_bytes());
    });
}

#[tokio::test]
async fn output_after_the_end_is_not_taken_for_the_next_evaluation() {
    let Some(mut session) = Session::open().await else { return };
    session.say("(def late (promise)) (future @late (print \"late\"))").await;
    session.say("(deliver late 1)").await;
    let end = Instant::now() + PATIENCE;
    let mut said = session.say(":x").await;
    while said.len() == 1 {
        assert_eq!(said, [value(":x")]);
        assert!(Instant::now() < end, "the late output never came");
        said = session.say(":x").await;
    }
    let notice = "4 bytes printed late by an earlier evaluation dropped";
    assert_eq!(said, [Said::Notice(notice.into()), value(":x")]);
}

#[tokio::test]
async fn output_comes_while_an_evaluation_goes_on() {
    let Some((mut session, mut other)) = two().await else { return };
    let (sender, mut receiver) = mpsc::channel(8);
    let (_interrupter, mut stop) = stop_at(Instant::now() + PATIENCE);
    let asked = ask("(def told (promise)) (print \"soon\") (deref told 20000 :never)");
    let inbox = Inbox::closed();
    let evaluate = session.0.evaluate(&asked, &sender, &inbox, &mut stop, PATIENCE);
    let release = async {
        assert_eq!(receiver.recv().await, Some(value("#'user/told")));
        assert_eq!(receiver.recv().await, Some(Said::Output(Stream::Out, "soon".into())));
        assert_eq!(receiver.recv().await, Some(value("nil")));
        other.say("(deliver told :released)").await;
        receiver.recv().await
    };
    let (_, last) = tokio::join!(evaluate, release);
    assert_eq!(last, Some(value(":released")));
}

#[tokio::test]
async fn two_sessions_run_in_parallel() {
    let Some((mut one, mut two)) = two().await else { return };
    one.say("(def gate-one (promise)) (def gate-two (promise))").await;
    let (first, second) = tokio::join!(
        one.value("(do (deliver gate-one 1) (deref gate-two 20000 :alone))"),
        two.value("(do (deliver gate-two 2) (deref gate-one 20000 :alone))"),
    );
    assert_eq!((&*first, &*second), ("2", "1"));
}

#[tokio::test]
async fn thousands_of_evaluations_leave_no_thread_behind() {
    let Some(mut session) = Session::open().await else { return };
    let threads = "(.getThreadCount (java.lang.management.ManagementFactory/getThreadMXBean))";
    let before: usize = session.value(threads).await.parse().unwrap();
    for n in 0..5000 {
        assert_eq!(session.value(&format!("(inc {n})")).await, (n + 1).to_string());
    }
    let after: usize = session.value(threads).await.parse().unwrap();
    // Other tests run in the same JVM.
    assert!(after < before + 100, "{before} threads became {after}");
}

const NAMES: &str = "(set (map (memfn ^Thread getName) (keys (Thread/getAllStackTraces))))";

#[tokio::test]
async fn a_lost_connection_ends_the_evaluation_in_the_app() {
    let Some((mut lost, mut other)) = two().await else { return };
    let text = "(.setName (Thread/currentThread) \"lost-one\") (Thread/sleep 600000)";
    let sleeping = ask(text);
    let (sender, mut receiver) = mpsc::channel(8);
    let (_interrupter, mut stop) = stop_at(Instant::now() + PATIENCE);
    let inbox = Inbox::closed();
    tokio::select! {
        ending = lost.0.evaluate(&sleeping, &sender, &inbox, &mut stop, PATIENCE) => {
            panic!("{ending:?}")
        }
        first = receiver.recv() => assert_eq!(first, Some(value("nil"))),
    }
    let lives = format!("(contains? {NAMES} \"lost-one\")");
    assert_eq!(other.value(&lives).await, "true");
    drop(lost);
    other.until(&lives, "false").await;
}

#[tokio::test]
async fn a_good_bye_ends_the_thread_of_the_connection() {
    let Some((mut one, mut other)) = two().await else { return };
    let name = one
        .value("(let [{:keys [server client]} clojure.core.server/*session*] (str \"Clojure Connection \" server \" \" client))")
        .await;
    let lives = format!("(contains? {NAMES} {name})");
    assert_eq!(other.value(&lives).await, "true");
    one.0.close(PATIENCE).await;
    other.until(&lives, "false").await;
}

#[tokio::test]
async fn an_app_that_dies_is_a_lost_connection() {
    let Some(mut jvm) = Jvm::start(&["--socket", "0"]) else { return };
    let (mut session, _) = Session::open_at(jvm.addresses("socket")[0]).await;
    let (sender, mut receiver) = mpsc::channel(8);
    let (_interrupter, mut stop) = stop_at(Instant::now() + PATIENCE);
    let asked = ask(":begun (Thread/sleep 600000)");
    let inbox = Inbox::closed();
    let evaluate = session.0.evaluate(&asked, &sender, &inbox, &mut stop, PATIENCE);
    let crash = async {
        assert_eq!(receiver.recv().await, Some(value(":begun")));
        jvm.kill();
    };
    let (ending, ()) = tokio::join!(evaluate, crash);
    assert!(matches!(ending, Ending::Lost(_)), "{ending:?}");
}

/// `PREPL_RECORD=1 cargo test -p prepl-sidecar --test clojure_real record` writes the streams anew
/// that `clojure.rs` replays: all that a server sent for one evaluation.
#[test]
fn record() {
    let (Some(_), Some(address)) = (std::env::var_os("PREPL_RECORD"), address()) else { return };
    for (name, ask) in recordings::all() {
        let file = format!("{}/tests/fixtures/clojure/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(file, recorded(address, &ask)).unwrap();
    }
}

fn recorded(address: SocketAddr, ask: &Ask) -> Vec<u8> {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    let (mut clojure, mut out) = (Clojure::new(), BytesMut::new());
    let (mut stream, mut input, mut steps) = (Vec::new(), BytesMut::new(), VecDeque::new());
    clojure.open(&mut out);
    let mut opened = false;
    while !matches!(steps.back(), Some(Step::Ended(_))) {
        socket.write_all(&out.split()).unwrap();
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).unwrap();
        stream.extend_from_slice(&chunk[..read]);
        input.extend_from_slice(&chunk[..read]);
        clojure.receive(&mut input, &mut out, &mut steps).unwrap();
        if steps.back() == Some(&Step::Said(Said::NeedInput)) {
            clojure.input(b"", &mut out);
        }
        if !opened && !steps.is_empty() {
            opened = true;
            clojure.evaluate(ask, &mut out).unwrap();
        }
    }
    stream
}
