//! Three real JVMs behind one server.

use prepl_bencode::Value;

use crate::client::Answer;
use crate::fleet::Fleet;

#[test]
fn values_errors_and_state_are_those_of_all_three() {
    let Some(fleet) = Fleet::of_jvms() else { return };
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    assert_eq!(client.eval(&session, "(+ 40 2)").value(), "42");
    assert_eq!(client.eval(&session, "*1").value(), "42");
    let sessions = client.eval(&session, "(count-sessions)");
    assert_eq!(sessions.value(), r#"{"api-1" 12, "api-2" 12, "api-3" 17}"#);
    assert!(sessions.text("out").contains("◐ 2 answers from 3 replicas"), "{sessions:?}");
    let thrown = client.eval(&session, "(/ 1 0)");
    assert_eq!(
        (thrown.values(), &*thrown.text("ex")),
        (vec![], "class java.lang.ArithmeticException")
    );
    assert!(
        thrown
            .text("err")
            .starts_with("java.lang.ArithmeticException: Divide by zero (all 3 replicas)\n"),
        "{thrown:?}"
    );
    let some =
        client.eval(&session, "(if (= 12 (count-sessions)) :few (throw (ex-info \"many\" {})))");
    assert_eq!(
        some.values(),
        [
            r#"{"api-1" :few, "api-2" :few, "api-3" {:prepl/error "clojure.lang.ExceptionInfo: many"}}"#
        ]
    );
    assert_eq!(some.text("err"), "api-3: clojure.lang.ExceptionInfo: many\n");
}

#[test]
fn names_are_completed_and_looked_up_as_the_app_knows_them() {
    let Some(fleet) = Fleet::of_jvms() else { return };
    let serve = fleet.serve();
    let mut client = serve.client();
    let words = |client: &mut crate::client::Client, op: &str, key: &str, prefix: &str| {
        let answer = client.ask(op, &[(key, prefix), ("ns", "user")]);
        let Some(Value::List(all)) = answer.0[0].get("completions") else { panic!("{answer:?}") };
        let pair = |one: &Value| {
            format!("{} {}", one.get_str("candidate").unwrap(), one.get_str("type").unwrap())
        };
        all.iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(words(&mut client, "completions", "prefix", "mapc"), ["mapcat function"]);
    assert_eq!(
        words(&mut client, "complete", "symbol", "Math/absE"),
        ["Math/absExact static-method"]
    );
    assert_eq!(words(&mut client, "completions", "prefix", "when-l"), ["when-let macro"]);
    assert_eq!(
        words(&mut client, "completions", "prefix", "clojure.string/join"),
        ["clojure.string/join function"]
    );
    assert!(words(&mut client, "completions", "prefix", "\") (System/exit 1) (\"").is_empty());
    let lookup = client.ask("lookup", &[("sym", "mapcat")]);
    let info = lookup.0[0].get("info").unwrap();
    assert_eq!((info.get_str("ns"), info.get_str("name")), (Some("clojure.core"), Some("mapcat")));
    assert!(info.get_str("arglists-str").unwrap().contains("[f & colls]"), "{info:?}");
    assert!(client.ask("info", &[("symbol", "no-such-thing")]).status().contains("no-info"));
    let eldoc = client.ask("eldoc", &[("symbol", "inc"), ("ns", "user")]);
    assert_eq!(eldoc.0[0].get("eldoc"), Some(&Value::List(vec![Value::list(["x"])])));
}

#[test]
fn a_file_is_loaded_everywhere_and_its_errors_have_its_lines() {
    let Some(fleet) = Fleet::of_jvms() else { return };
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    let file = "(ns served.sample)\n\n(defn twice [x] (* 2 x))\n(defn fails [] (throw (Exception. \"here\")))\n";
    let load = |content| {
        [
            ("session", &*session),
            ("file", content),
            ("file-path", "/src/served/sample.clj"),
            ("file-name", "sample.clj"),
        ]
    };
    let loaded = client.ask("load-file", &load(file));
    assert_eq!((loaded.value(), loaded.text("ns").as_str()), ("#'served.sample/fails", ""));
    assert_eq!(client.eval(&session, "(served.sample/twice 21)").value(), "42");
    let place = client.eval(&session, "(select-keys (meta #'served.sample/twice) [:file :line])");
    assert_eq!(place.value(), r#"{:file "/src/served/sample.clj", :line 3}"#);
    let failed = client.eval(&session, "(served.sample/fails)");
    assert!(failed.text("err").contains("sample.clj:4"), "{failed:?}");
    let broken = client.ask(
        "load-file",
        &load("(def loaded-first 1)\n(throw (Exception. \"stop\"))\n(def loaded-later 1)"),
    );
    assert!(broken.values().is_empty() && broken.status().contains("eval-error"), "{broken:?}");
    assert_eq!(
        client
            .eval(&session, "(mapv (comp some? resolve) '[user/loaded-first user/loaded-later])")
            .value(),
        "[true false]"
    );
}

#[test]
fn a_namespace_of_a_request_is_for_it_alone_and_one_that_is_nowhere_is_told() {
    let Some(fleet) = Fleet::of_jvms() else { return };
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    let moved = client.eval(&session, "(ns served.elsewhere)");
    assert_eq!((moved.values(), &*moved.text("ns")), (vec!["nil"], "served.elsewhere"));
    let here = [("session", &*session), ("code", "(str *ns*)"), ("ns", "user")];
    assert_eq!(client.ask("eval", &here).value(), "\"user\"");
    let back = client.eval(&session, "(str *ns*)");
    assert_eq!((back.value(), &*back.text("ns")), ("\"served.elsewhere\"", "served.elsewhere"));
    let nowhere = client.ask("eval", &[("session", &session), ("code", "1"), ("ns", "no.such.ns")]);
    assert_eq!(nowhere.values(), [""; 0]);
    assert!(nowhere.status().contains("namespace-not-found"), "{nowhere:?}");
}

#[test]
fn an_interrupt_reaches_every_jvm_and_the_session_goes_on() {
    let Some(fleet) = Fleet::of_jvms() else { return };
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    client.eval(&session, ":awake");
    let code = "(do (println :sleeps) (Thread/sleep 60000))";
    let id = client.send("eval", &[("session", &session), ("code", code)]);
    assert!(client.next_to(&id).get_str("out").unwrap().contains(":sleeps"));
    let interrupt = client.ask("interrupt", &[("session", &session)]);
    assert_eq!(interrupt.status().len(), 1);
    let ended = client.answer(&id);
    assert!(
        ended.status().contains("interrupted") && ended.status().contains("eval-error"),
        "{ended:?}"
    );
    assert_eq!(client.eval(&session, "(+ 1 1)").value(), "2");
}

#[test]
fn input_goes_to_all_that_read_it() {
    let Some(fleet) = Fleet::of_nrepl() else { return };
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    let id = client.send("eval", &[("session", &session), ("code", "[(read-line) (read-line)]")]);
    assert_eq!(client.next_to(&id).get_strs("status"), ["need-input"]);
    let given = client.ask("stdin", &[("session", &session), ("stdin", "first\nsecond\n")]);
    assert_eq!(given.status().len(), 1, "{given:?}");
    let answer = client.answer(&id);
    assert_eq!(answer.values(), [r#"["first" "second"]"#], "{answer:?}");
    let id = client.send("eval", &[("session", &session), ("code", "(read-line)")]);
    assert_eq!(client.next_to(&id).get_strs("status"), ["need-input"]);
    client.ask("stdin", &[("session", &session), ("stdin", "")]);
    // nREPL 1.7 throws where it meets the end of its input.
    let at_the_end =
        |answer: &Answer| answer.values() == ["nil"] || answer.status().contains("eval-error");
    assert!(at_the_end(&client.answer(&id)));
    assert!(at_the_end(&client.aside("(read-line)")));
    let idle = client.ask("stdin", &[("session", &session), ("stdin", "x")]);
    assert!(idle.status().contains("session-idle"), "{idle:?}");
    let inputs = fleet.recorded().iter().filter(|entry| entry["what"] == "input").count();
    assert_eq!(inputs, 2);
}
