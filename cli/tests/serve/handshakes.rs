//! What editors ask when they connect, in their own order.

use prepl_bencode::Value;

use crate::client::Client;
use crate::fleet::Fleet;

const OPS: [&str; 14] = [
    "classpath",
    "clone",
    "close",
    "complete",
    "completions",
    "describe",
    "eldoc",
    "eval",
    "info",
    "interrupt",
    "load-file",
    "lookup",
    "ls-sessions",
    "stdin",
];

fn describes(client: &mut Client, pairs: &[(&str, &str)]) -> Value {
    let answer = client.ask("describe", pairs);
    let [described] = &answer.0[..] else { panic!("{answer:?}") };
    let Some(Value::Dict(ops)) = described.get("ops") else { panic!("{described:?}") };
    assert_eq!(ops.keys().map(|op| std::str::from_utf8(op).unwrap()).collect::<Vec<_>>(), OPS);
    // Present to every editor: a dict, and no empty list or text.
    assert!(ops.values().all(|op| *op == Value::dict::<&str>([])));
    described.clone()
}

/// Two clones, describe, and its first evaluation.
#[test]
fn cider() {
    let fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    let mut client = serve.client();
    let (main, tooling) = (client.session(), client.session());
    assert_ne!(main, tooling);
    let described = describes(&mut client, &[("session", &main)]);
    let versions = described.get("versions").unwrap();
    assert_eq!(versions.get("nrepl").unwrap().get_str("version-string"), Some("1.0.0"));
    assert!(versions.get("prepl").is_some() && versions.get("clojure").is_none());
    let answer = client.ask(
        "eval",
        &[
            ("session", &main),
            ("code", "1 + 1"),
            ("line", "1"),
            ("column", "1"),
            ("file", "*cider-repl*"),
            ("inhibit-cider-middleware", "true"),
            ("nrepl.middleware.print/stream?", "1"),
            ("nrepl.middleware.print/print", "cider.nrepl.pprint/pprint"),
            ("nrepl.middleware.print/quota", "1048576"),
        ],
    );
    assert_eq!(answer.value(), "2");
}

/// An evaluation without a session, clone, describe with all words.
#[test]
fn calva() {
    let fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    let mut client = serve.client();
    assert_eq!(client.ask("eval", &[("code", "\"ns\""), ("ns", "user")]).value(), "\"ns\"");
    let session = client.session();
    describes(&mut client, &[("session", &session), ("verbose", "true")]);
    // It closes without an id.
    client.send_message(&Value::dict([
        ("op", Value::from("close")),
        ("session", (&*session).into()),
    ]));
    let closed = client.next().unwrap();
    assert_eq!(
        (closed.get("id"), closed.get_strs("status")),
        (None, vec!["done", "session-closed"])
    );
    assert!(client.eval(&session, "1").status().contains("unknown-session"));
}

/// Describe, and the sessions there are, of which it adopts the first.
#[test]
fn conjure() {
    let fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    let mut other = serve.client();
    other.session();
    let mut client = serve.client();
    describes(&mut client, &[]);
    let sessions = client.ask("ls-sessions", &[]);
    assert_eq!(sessions.0[0].get("sessions"), Some(&Value::List(Vec::new())));
}

/// Describe and the class path.
#[test]
fn fireplace() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    describes(&mut client, &[("verbose?", "1")]);
    let classpath = client.ask("classpath", &[]);
    assert_eq!(classpath.0[0].get("classpath"), Some(&Value::List(Vec::new())));
    let unknown = client.ask("cider/nothing", &[]);
    assert!(unknown.status().contains("unknown-op") && unknown.text("op") == "cider/nothing");
}

#[test]
fn a_language_of_which_nothing_is_known_has_no_names() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    let completions = client.ask("completions", &[("prefix", "pr")]);
    assert_eq!(completions.0[0].get("completions"), Some(&Value::List(Vec::new())));
    assert!(client.ask("info", &[("symbol", "print")]).status().contains("no-info"));
    assert!(client.ask("eldoc", &[("sym", "print")]).status().contains("no-eldoc"));
    assert!(client.ask("lookup", &[]).status().contains("lookup-error"));
    assert_eq!(fleet.recorded().len(), 0);
}
