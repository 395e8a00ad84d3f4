//! Cases of nREPL's own server tests that hold for a server over a fleet, in other words. Their
//! names there stand beside them. Two JVMs answer, which give the same.
//!
//! Source: test/clojure/nrepl/{core_test,middleware/load_file_test,middleware/lookup_test,
//! middleware/completion_test}.clj of github.com/nrepl/nrepl. What is left out: another transport,
//! printing in pieces, functions of the server's own to evaluate, print and complete with, and
//! sessions that other connections share.

use std::collections::BTreeSet;

use crate::client::{Answer, Client};
use crate::fleet::{Fleet, Serve};

/// A session with the two, which are of one mind.
struct Session {
    _fleet: Fleet,
    _serve: Serve,
    client: Client,
    id: String,
}

impl Session {
    fn open() -> Option<Session> {
        let fleet = Fleet::of_nrepl()?;
        let serve = fleet.serve();
        let mut client = serve.client();
        let id = client.session();
        Some(Session { _fleet: fleet, _serve: serve, client, id })
    }

    fn eval(&mut self, code: &str) -> Answer {
        self.client.eval(&self.id, code)
    }

    fn ask(&mut self, op: &str, pairs: &[(&str, &str)]) -> Answer {
        let session = [("session", &*self.id)];
        self.client.ask(op, &[&session[..], pairs].concat())
    }

    fn send(&mut self, op: &str, pairs: &[(&str, &str)]) -> String {
        let session = [("session", &*self.id)];
        self.client.send(op, &[&session[..], pairs].concat())
    }

    #[track_caller]
    fn gives(&mut self, code: &str, values: &[&str]) {
        let answer = self.eval(code);
        assert_eq!(answer.values(), values, "{code}: {answer:?}");
    }
}

fn words<const N: usize>(words: [&str; N]) -> BTreeSet<&str> {
    BTreeSet::from(words)
}

/// eval-literals, simple-expressions, multiple-expressions-return, sanity-tests (eval,
/// multiple-expressions)
#[test]
fn values_are_printed_as_clojure_prints_them() {
    let Some(mut session) = Session::open() else { return };
    for literal in [
        "5",
        "5.1",
        "1/4",
        ":keyword",
        ":other.ns/keyword",
        "\"string\"",
        "[1 2 3]",
        "{1 2, 3 4}",
        "\"string\\nwith\\r\\nlinebreaks\"",
        "#\"regex\"",
    ] {
        session.gives(literal, &[literal]);
    }
    for (code, value) in [
        ("0xff", "255"),
        ("-2e12", "-2.0E12"),
        ("'symbol", "symbol"),
        ("'(1 2 3)", "(1 2 3)"),
        ("::local", ":user/local"),
        ("#{1}", "#{1}"),
        ("(apply + (range 100))", "4950"),
    ] {
        session.gives(code, &[value]);
    }
    session.gives("5 (/ 5 0) (+ 5 6 7)", &["5", "18"]);
    session.gives("(+ 2 2) (* *1 5) (/ *2 4) (- *3 4)", &["4", "20", "1", "0"]);
    session.gives("*1", &["0"]);
    session.gives("(set! *print-length* 42) *print-length*", &["42", "42"]);
}

/// defining-fns, session-return-recall, session-set!, print-namespace-maps-binding
#[test]
fn a_session_keeps_what_a_session_keeps() {
    let Some(mut session) = Session::open() else { return };
    session.client.aside("(defn published-x [] 6)");
    assert_eq!(session.client.aside("(published-x)").value(), "6");
    session.gives(
        "(apply + (range 6)) (str 12 \\c) (keyword \"hello\")",
        &["15", "\"12c\"", ":hello"],
    );
    session.gives("[*3 *2 *1]", &["[15 \"12c\" :hello]"]);
    assert_eq!(session.client.aside("*1").value(), "nil");
    session.eval("(set! *compile-path* \"badpath\") (set! *warn-on-reflection* true)");
    session.gives("[*compile-path* *warn-on-reflection*]", &["[\"badpath\" true]"]);
    session.eval("(set! *print-namespace-maps* false)");
    session.gives("*print-namespace-maps*", &["false"]);
}

/// source-tracking-eval
#[test]
fn a_definition_knows_where_its_text_stands() {
    let Some(mut session) = Session::open() else { return };
    let place = [("file", "test.clj"), ("line", "42"), ("column", "10"), ("ns", "user")];
    session.ask("eval", &[&[("code", "(def published-here 1000)")], &place[..]].concat());
    let code = "(let [m (meta #'user/published-here)] [(:file m) (:line m) (:column m)])";
    session.gives(code, &["[\"test.clj\" 42 10]"]);
}

/// no-code, unknown-op, session-lifecycle
#[test]
fn what_cannot_be_answered_is_told_in_nrepls_words() {
    let Some(mut session) = Session::open() else { return };
    let Session { client, id, .. } = &mut session;
    assert_eq!(client.ask("eval", &[]).status(), words(["error", "no-code", "done"]));
    let unknown = client.ask("abc", &[]);
    assert_eq!(
        (unknown.status(), &*unknown.text("op")),
        (words(["error", "unknown-op", "done"]), "abc")
    );
    let nobody = client.ask("eval", &[("session", "00000000-0000-0000-0000-000000000000")]);
    assert_eq!(nobody.status(), words(["error", "unknown-session", "done"]));
    let listed =
        |client: &mut Client| client.ask("ls-sessions", &[]).0[0].get_strs("sessions").len();
    assert_eq!(listed(client), 1);
    let closed = client.ask("close", &[("session", id)]);
    assert_eq!(closed.status(), words(["done", "session-closed"]));
    assert_eq!(listed(client), 0);
}

/// separate-value-from-*out*, sessionless-*out*, session-*out*, streaming-out,
/// session-*out*-writer-length-translation, proper-response-ordering, stdout-stderr
#[test]
fn output_is_no_value_and_comes_before_it() {
    let Some(mut session) = Session::open() else { return };
    let told = session.client.aside("(println 5)(println :foo)");
    assert_eq!((told.values(), &*told.text("out")), (vec!["nil", "nil"], "5\n:foo\n"));
    assert_eq!(session.eval("(println 5)(println :foo)").text("out"), "5\n:foo\n");
    let numbers: String = (0..10).map(|number| format!("{number}\n")).collect();
    assert_eq!(session.eval("(dotimes [x 10] (println x))").text("out"), numbers);
    let date = "(println (doto (java.util.GregorianCalendar. 2013 1 11 12 13 44) \
                (.setTimeZone (java.util.TimeZone/getTimeZone \"GMT\"))))";
    assert_eq!(session.eval(date).text("out"), "#inst \"2013-02-11T12:13:44.000+00:00\"\n");
    let ordered = session.eval("(println 100) 42");
    let keys = ["out", "value", "value", "status"];
    assert_eq!(ordered.0.len(), keys.len(), "{ordered:?}");
    assert!(
        ordered.0.iter().zip(keys).all(|(message, key)| message.get(key).is_some()),
        "{ordered:?}"
    );
    assert_eq!(session.eval("(println 5 6 7 \\newline 8 9 10)").text("out"), "5 6 7 \n 8 9 10\n");
    let errors = session
        .eval("(binding [*out* *err*] (prn 'user/foo)) (do (.write *err* \"problem\") :value)");
    assert_eq!(
        (&*errors.text("err"), errors.values()),
        ("user/foo\nproblem", vec!["nil", ":value"])
    );
}

/// exceptions, error-on-lazy-seq-with-side-effects, return-on-incomplete-expr,
/// read-error-short-circuits-execution
#[test]
fn an_error_has_no_value_and_is_told() {
    let Some(mut session) = Session::open() else { return };
    let thrown = session.eval("(throw (Exception. \"bad, bad code\"))");
    assert_eq!((thrown.values(), thrown.status()), (vec![], words(["eval-error", "done"])));
    assert!(thrown.text("err").contains("bad, bad code"), "{thrown:?}");
    session.gives("(.contains (str *e) \"bad, bad code\")", &["true"]);
    let lazy = session.eval("(map (fn [x] (println x) (throw (Exception. \"oops\"))) [1 2 3])");
    assert!(lazy.text("out") == "1\n" && lazy.text("err").contains("oops"), "{lazy:?}");
    for (unreadable, why) in [
        ("(missing paren", "add the missing \")\""),
        (")]} 42", "the ) at line 1, column 1"),
        ("(comment {:a} (println \"BOOM!\"))", "Map literal must contain an even number of forms"),
    ] {
        let answer = session.eval(unreadable);
        assert_eq!((answer.values(), &*answer.text("out")), (vec![], ""), "{answer:?}");
        assert!(
            answer.text("err").contains(why) && answer.status().contains("eval-error"),
            "{answer:?}"
        );
    }
}

/// switch-ns, switch-ns-2, explicit-ns, error-on-nonexistent-ns, sanity-tests
/// (specified-namespace)
#[test]
fn a_session_is_in_a_namespace() {
    let Some(mut session) = Session::open() else { return };
    let switched = session.eval("(ns published.other) (defn function [] 12)");
    assert_eq!(switched.all("ns").last(), Some(&"published.other"), "{switched:?}");
    session.gives("(function)", &["12"]);
    assert_eq!(session.eval("(in-ns 'user)").all("ns"), ["user"]);
    session.gives("(published.other/function)", &["12"]);
    assert_eq!(session.eval("nil").all("ns"), ["user"]);
    let baz = session.eval("(def published-bar 5) (ns published.baz)");
    assert_eq!(baz.all("ns").last(), Some(&"published.baz"));
    let elsewhere = session.ask("eval", &[("code", "published-bar"), ("ns", "user")]);
    assert_eq!(elsewhere.value(), "5");
    assert_eq!(session.eval("5").all("ns"), ["published.baz"]);
    let nowhere = session.ask("eval", &[("code", "(+ 1 1)"), ("ns", "published.nowhere")]);
    assert_eq!(nowhere.status(), words(["error", "namespace-not-found", "done"]));
}

/// interrupt (but for what the JVM's version decides), interrupt-load-file
#[test]
fn what_runs_can_be_interrupted() {
    let Some(mut session) = Session::open() else { return };
    let ephemeral = words(["error", "session-ephemeral", "done"]);
    assert_eq!(session.client.ask("interrupt", &[]).status(), ephemeral);
    assert_eq!(session.client.ask("interrupt", &[("interrupt-id", "foo")]).status(), ephemeral);
    for idle in [&[][..], &[("interrupt-id", "foo")]] {
        assert_eq!(session.ask("interrupt", idle).status(), words(["done", "session-idle"]));
    }
    session.eval(":open");
    let sleep = "(do (def halted? true) (println :sleeps) \
                 (try (Thread/sleep 60000) (def halted? false) (catch InterruptedException _)))";
    let id = session.send("eval", &[("code", sleep)]);
    session.client.next_to(&id);
    let other = session.ask("interrupt", &[("interrupt-id", "foo")]);
    assert_eq!(other.status(), words(["done", "error", "interrupt-id-mismatch"]));
    assert_eq!(session.ask("interrupt", &[]).status(), words(["done"]));
    let ended = session.client.answer(&id);
    assert!(ended.status().is_superset(&words(["done", "interrupted"])), "{ended:?}");
    session.gives("halted?", &["true"]);
    let file = [("file", "(println :loads)\n(Thread/sleep 60000)"), ("file-path", "a/b.clj")];
    let id = session.send("load-file", &file);
    session.client.next_to(&id);
    assert_eq!(session.ask("interrupt", &[]).status(), words(["done"]));
    assert!(session.client.answer(&id).status().contains("interrupted"));
}

/// ensure-no-*msg*-capture, concurrent-message-handling, agent-await
#[test]
fn sessions_of_one_connection_do_not_wait_for_each_other() {
    let Some(mut session) = Session::open() else { return };
    let other = session.client.session();
    session.eval(":open");
    let slow = session.send("eval", &[("code", "(do (println :slow) (Thread/sleep 60000))")]);
    session.client.next_to(&slow);
    let quick = session.client.eval(&other, "(println :quick) 1");
    assert_eq!((quick.values(), &*quick.text("out")), (vec!["nil", "1"], ":quick\n"));
    session.ask("interrupt", &[]);
    session.client.answer(&slow);
    session.gives(
        "(let [a (agent nil)] (send a (fn [_] (Thread/sleep 100) 42)) (await a) @a)",
        &["42"],
    );
}

/// request-*in*, request-*in*-eof, request-multiple-read-newline-*in*,
/// request-multiple-read-objects-*in*
#[test]
fn what_reads_gets_what_is_sent() {
    let Some(mut session) = Session::open() else { return };
    for (sent, value) in [("(1 2 3)\n", "(1 2 3)"), (":ohai :kthxbai\n", ":ohai")] {
        let id = session.send("eval", &[("code", "(read)")]);
        assert_eq!(session.client.next_to(&id).get_strs("status"), ["need-input"]);
        session.ask("stdin", &[("stdin", sent)]);
        assert_eq!(session.client.answer(&id).values(), [value]);
    }
    session.gives("(read-line)", &["\" :kthxbai\""]);
    let id = session.send("eval", &[("code", "(read)")]);
    assert_eq!(session.client.next_to(&id).get_strs("status"), ["need-input"]);
    session.ask("stdin", &[("stdin", "")]);
    let ended = session.client.answer(&id);
    assert!(ended.values().is_empty() && ended.status().contains("eval-error"), "{ended:?}");
}

/// load-code-with-debug-info, load-file-with-debug-info, load-file-with-print-vars,
/// load-file-response-no-ns, load-file-huge-file, load-file-empty-file, load-file-only-comments
#[test]
fn a_file_is_loaded_as_a_file() {
    let Some(mut session) = Session::open() else { return };
    session.ask("load-file", &[("file", "\n\n\n(defn published-f [])")]);
    session.gives("(:line (meta #'published-f))", &["4"]);
    let named = [("file-path", "path/from/root.clj"), ("file-name", "root.clj")];
    let load = |session: &mut Session, file: &str| {
        session.ask("load-file", &[&[("file", file)], &named[..]].concat())
    };
    load(&mut session, "\n\n\n\n\n(defn published-g [])");
    session.gives(
        "(select-keys (meta #'published-g) [:file :line])",
        &["{:file \"path/from/root.clj\", :line 6}"],
    );
    session.eval("(set! *print-length* 3) (set! *print-level* 3)");
    load(
        &mut session,
        "(def published-a (+ 1 (+ 2 (+ 3 (+ 4 (+ 5 6)))))) (def b 2) (def c 3) (def ^{:internal true} published-d 4)",
    );
    session.gives("published-d", &["4"]);
    let silent = load(&mut session, "(ns published.foo) (def x 5)");
    assert!(silent.all("ns").is_empty() && silent.values().len() == 1, "{silent:?}");
    let long = vec!["(+ 1 2 3 4 5 6 7 8 9 0)"; 3000].join("\n");
    assert_eq!(load(&mut session, &long).values(), ["45"]);
    for nothing in ["", ";; just a comment\n;; another comment\n"] {
        let answer = load(&mut session, nothing);
        assert_eq!((answer.values(), answer.status()), (vec![], words(["done"])));
    }
}

/// lookup-op, lookup-op-error, completions-op, completions-op-error
#[test]
fn names_are_looked_up_and_completed() {
    let Some(mut session) = Session::open() else { return };
    for (symbol, namespace) in [
        ("map", "clojure.core"),
        ("let", "clojure.core"),
        ("*assert*", "clojure.core"),
        ("future", "user"),
    ] {
        let answer = session.ask("lookup", &[("sym", symbol), ("ns", namespace)]);
        let info = answer.0[0].get("info").unwrap();
        assert_eq!((info.get_str("name"), answer.status()), (Some(symbol), words(["done"])));
    }
    assert_eq!(session.ask("lookup", &[]).status(), words(["done", "error", "lookup-error"]));
    let answer = session.ask("completions", &[("prefix", "map"), ("ns", "clojure.core")]);
    assert!(answer.0[0].get("completions").is_some() && answer.status() == words(["done"]));
    let missing = session.ask("completions", &[]);
    assert_eq!(missing.status(), words(["done", "error", "completions-error"]));
}
