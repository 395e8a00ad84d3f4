//! What an evaluation tells its client, and what ends it.

use std::collections::BTreeSet;

use prepl_bencode::Value;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::in_time;

use crate::fleet::Fleet;

#[test]
fn equal_answers_are_one_value() {
    let fleet = Fleet::of_rhai(3);
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    let answer = client.eval(&session, "print(\"hi\"); 40 + 2");
    assert_eq!((answer.value(), &*answer.text("out")), ("42", "hi\n"));
    assert_eq!(answer.0[1].get_str("ns"), Some("user"));
    assert!(answer.0.iter().all(|message| message.get_str("session") == Some(&session)));
}

#[test]
fn a_replica_that_is_gone_is_no_failure_of_the_others() {
    let fleet = Fleet::with_role(prepl_identity::Role::Evaluator, async |world| {
        world.add(Endpoint::Rhai).await;
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        world.add_at(closed);
    });
    let serve = fleet.serve();
    let answer = serve.client().aside("3");
    assert_eq!(answer.values(), [r#"{"api-1" 3, "api-2" :prepl/unreachable}"#]);
    assert!(answer.text("err").starts_with("api-2: unreachable: "), "{answer:?}");
    assert_eq!(answer.text("ex"), "prepl/unreachable");
}

#[test]
fn texts_that_are_none_are_answered_as_nrepl_does() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    assert_eq!(client.ask("eval", &[]).status(), BTreeSet::from(["done", "error", "no-code"]));
    for nothing in ["", " \n", ";; a comment"] {
        assert_eq!(client.aside(nothing).0.len(), 1, "{nothing:?}");
    }
    client.send_message(&Value::dict([
        ("op", Value::from("eval")),
        ("id", "list".into()),
        ("code", Value::list(["1"])),
    ]));
    assert!(client.answer("list").status().contains("unknown-code-type"));
    let long = client.aside(&"1 ".repeat(600_000));
    assert!(long.text("err").contains("the limit is 1048576"), "{long:?}");
    assert_eq!(fleet.recorded().len(), 0);
}

#[test]
fn evaluations_of_a_session_wait_for_each_other_and_an_interrupt_ends_them_all() {
    let (fleet, app) = Fleet::of_an_app(2);
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    let eval = |code| [("session", &*session), ("code", code)];
    let idle = client.ask("interrupt", &[("session", &session)]);
    assert_eq!(idle.status(), BTreeSet::from(["done", "session-idle"]));
    let first = client.send("eval", &eval("1"));
    let behind = client.send("eval", &eval("2"));
    // Equal output of both is told when both have printed it for a while.
    let begun = client.next_to(&first);
    assert!(begun.get_str("out").unwrap().contains("begun"), "{begun:?}");
    let other = client.ask("interrupt", &[("session", &session), ("interrupt-id", "99")]);
    assert_eq!(other.status(), BTreeSet::from(["done", "error", "interrupt-id-mismatch"]));
    let interrupt = client.send("interrupt", &[("session", &session), ("interrupt-id", &first)]);
    let mut ends = Vec::new();
    while ends.len() < 3 {
        let message = client.next().unwrap();
        if message.get_strs("status").contains(&"done") {
            ends.push((
                message.get_str("id").unwrap().to_owned(),
                message.get_strs("status").len(),
            ));
        }
    }
    assert_eq!(ends, [(first, 2), (interrupt, 1), (behind, 2)]);
    assert_eq!((app.evaluations(), app.interrupts()), (2, 2));
    let ephemeral = client.ask("interrupt", &[]);
    assert_eq!(ephemeral.status(), BTreeSet::from(["done", "error", "session-ephemeral"]));
}

#[test]
fn a_client_that_leaves_interrupts_what_it_began_and_the_next_one_starts_afresh() {
    let (fleet, app) = Fleet::of_an_app(2);
    // No time limit does it.
    let serve = fleet.serve_with(&["--timeout", "1h"]);
    for client in 1..=2 {
        let mut leaver = serve.client();
        let session = leaver.session();
        let id = leaver.send("eval", &[("session", &session), ("code", "1")]);
        leaver.next_to(&id);
        let aside = leaver.send("eval", &[("code", "1")]);
        leaver.next_to(&aside);
        drop(leaver);
        fleet.runtime.block_on(in_time(app.until_interrupted_times(4 * client)));
    }
    app.release();
    assert_eq!(serve.client().aside("1").status(), BTreeSet::from(["done"]));
}

#[test]
fn what_runs_is_over_when_the_server_has_ended() {
    let (fleet, app) = Fleet::of_an_app(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    let id = client.send("eval", &[("code", "1")]);
    client.next_to(&id);
    assert_eq!(serve.end("-INT").0, Some(0));
    assert_eq!(app.interrupts(), 1);
    let recorded = fleet.recorded();
    assert_eq!(recorded.len(), 1, "{recorded:?}");
}
