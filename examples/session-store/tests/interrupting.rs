//! Ending an evaluation that runs.

mod client;

use client::{Client, SERVICE, all, status};
use prepl_bencode::Value;

/// Starts an evaluation and waits until it has begun.
fn begin(client: &mut Client, session: &str, code: &str) -> String {
    let code = format!("(displayln \"begun\") {code}");
    let pairs = [("op", "eval".into()), ("session", session.into()), ("code", code.into())];
    let id = client.send(&pairs);
    while client.receive().is_some_and(|answer| answer.get_str("out") != Some("begun\n")) {}
    id
}

fn interrupt(client: &mut Client, session: &str, id: &str) -> Vec<Value> {
    client.ask(&[
        ("op", "interrupt".into()),
        ("session", session.into()),
        ("interrupt-id", id.into()),
    ])
}

fn interrupted_evaluation_ends(code: &str) {
    let mut client = Client::connect(*SERVICE);
    let session = client.new_session();
    let id = begin(&mut client, &session, code);
    let answers = interrupt(&mut client, &session, &id);
    let ended = &answers[answers.len() - 2];
    assert_eq!(ended.get_str("id"), Some(id.as_str()));
    assert_eq!(ended.get_strs("status"), ["done", "interrupted"]);
    assert_eq!(status(&answers), ["done"]);
    assert!(!all(&answers, "value").contains(&"never"));
    assert_eq!(all(&client.eval(&session, "(+ 1 1)"), "value"), ["2"]);
}

#[test]
fn an_endless_loop_ends() {
    interrupted_evaluation_ends("(define (spin) (spin)) (spin) 'never");
}

#[test]
fn a_sleep_ends() {
    interrupted_evaluation_ends("(sleep-ms 600000) 'never");
}

#[test]
fn other_sessions_go_on_meanwhile() {
    let (mut busy, mut other) = (Client::connect(*SERVICE), Client::connect(*SERVICE));
    let (session, others) = (busy.new_session(), other.new_session());
    let id = begin(&mut busy, &session, "(sleep-ms 600000)");
    assert_eq!(all(&other.eval(&others, "(+ 1 1)"), "value"), ["2"]);
    assert_eq!(status(&interrupt(&mut other, &session, &id)), ["done"]);
    assert_eq!(status(&busy.answers_to(&id)), ["done", "interrupted"]);
}

#[test]
fn an_interrupt_that_meets_nothing_says_what_it_met() {
    let mut client = Client::connect(*SERVICE);
    let session = client.new_session();
    assert_eq!(status(&interrupt(&mut client, &session, "7")), ["done", "session-idle"]);
    let id = begin(&mut client, &session, "(sleep-ms 600000)");
    let answers = interrupt(&mut client, &session, "other");
    assert_eq!(status(&answers), ["done", "error", "interrupt-id-mismatch"]);
    interrupt(&mut client, &session, &id);
    let answers = interrupt(&mut client, "no-such-session", &id);
    assert_eq!(status(&answers), ["done", "error", "unknown-session"]);
}

#[test]
fn closing_a_session_ends_what_runs_in_it() {
    let (mut busy, mut other) = (Client::connect(*SERVICE), Client::connect(*SERVICE));
    let session = busy.new_session();
    let id = begin(&mut busy, &session, "(sleep-ms 600000)");
    let close = [("op", "close".into()), ("session", session.as_str().into())];
    assert_eq!(status(&other.ask(&close)), ["done", "session-closed"]);
    assert_eq!(status(&busy.answers_to(&id)), ["done", "interrupted"]);
}
