//! Sessions, connections and their bounds.

mod client;

use std::io::Write;

use client::{Client, SERVICE, all, config, start_service, status};
use session_store::{Config, MAX_SESSIONS, Server, Unusable};

#[test]
fn describe_lists_operations_and_versions() {
    let mut client = Client::connect(*SERVICE);
    let described = &client.ask(&[("op", "describe".into())])[0];
    let ops = described.get("ops").unwrap();
    for op in ["clone", "close", "describe", "eval", "interrupt", "load-file", "ls-sessions"] {
        assert!(ops.get(op).is_some(), "{op}");
    }
    let steel = described.get("versions").unwrap().get("steel").unwrap();
    assert_eq!((steel.get_int("major"), steel.get_int("minor")), (Some(0), Some(8)));
}

#[test]
fn an_unknown_operation_is_named_so() {
    let mut client = Client::connect(*SERVICE);
    assert_eq!(
        status(&client.ask(&[("op", "cider/info".into())])),
        ["done", "error", "unknown-op"]
    );
    assert_eq!(status(&client.ask(&[("op", "eval".into())])), ["done", "error", "no-code"]);
}

#[test]
fn a_closed_session_is_unknown() {
    let mut client = Client::connect(*SERVICE);
    let session = client.new_session();
    let close = [("op", "close".into()), ("session", session.as_str().into())];
    assert_eq!(status(&client.ask(&close)), ["done", "session-closed"]);
    assert_eq!(status(&client.eval(&session, "1")), ["done", "error", "unknown-session"]);
}

#[test]
fn a_connection_lists_only_its_own_sessions() {
    let (mut one, mut two) = (Client::connect(*SERVICE), Client::connect(*SERVICE));
    let session = one.new_session();
    let list = [("op", "ls-sessions".into())];
    assert_eq!(one.ask(&list)[0].get_strs("sessions"), [session.as_str()]);
    assert!(two.ask(&list)[0].get_strs("sessions").is_empty());
}

#[test]
fn garbage_closes_only_its_own_connection() {
    let mut good = Client::connect(*SERVICE);
    let session = good.new_session();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"i42e", b"d4:code99999999:", b"\xff\x00"] {
        let mut bad = Client::connect(*SERVICE);
        bad.stream.write_all(garbage).unwrap();
        assert!(bad.receive().is_none());
    }
    assert_eq!(all(&good.eval(&session, "(+ 1 1)"), "value"), ["2"]);
}

#[test]
fn sessions_beyond_the_bound_are_refused_in_words_and_end_with_their_connection() {
    let address = start_service();
    let mut client = Client::connect(address);
    let (mut made, mut refused) = (0, 0);
    for _ in 0..100 {
        let answers = client.ask(&[("op", "clone".into())]);
        if answers[0].get_str("new-session").is_some() {
            made += 1;
        } else {
            assert!(all(&answers, "err")[0].starts_with("64 sessions are open"));
            assert_eq!(status(&answers), ["done", "error", "session-limit"]);
            refused += 1;
        }
    }
    assert_eq!((made, refused), (MAX_SESSIONS, 100 - MAX_SESSIONS));
    drop(client);
    let mut next = Client::connect(address);
    while next.ask(&[("op", "clone".into())])[0].get_str("new-session").is_none() {}
}

#[test]
fn only_a_loopback_address_is_served() {
    let open = Config { listen: ([0, 0, 0, 0], 0).into(), ..config() };
    assert!(matches!(Server::bind(open), Err(Unusable::NotLoopback(_))));
}
