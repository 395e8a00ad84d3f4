//! Clients that speak something else, too much or at once.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::thread;

use crate::fleet::Fleet;

#[test]
fn a_browser_is_dropped_by_its_first_byte_and_nothing_runs() {
    let fleet = Fleet::of_rhai(1);
    let mut serve = fleet.serve();
    serve.says();
    for request in ["GET / HTTP/1.1\r\n\r\n", "POST /\r\n\r\nd2:op4:eval4:code1:1e", "le", "4:eval"]
    {
        let mut browser = serve.client();
        browser.send_bytes(request.as_bytes());
        assert!(browser.next().is_none());
        let said = serve.says();
        assert!(said.starts_with("warning: a connection was dropped: "), "{said}");
    }
    assert_eq!(serve.client().aside("1").value(), "1");
    assert_eq!(fleet.recorded().len(), 1);
}

#[test]
fn garbage_within_a_message_ends_that_client_alone() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let mut stays = serve.client();
    let deep = [b"d1:x".to_vec(), vec![b'l'; 100]].concat();
    for garbage in [&b"d2:opx"[..], b"d-1:", b"d2:op99999999:", b"d1:xd1:xe", &deep] {
        let mut client = serve.client();
        client.send_bytes(garbage);
        assert!(client.next().is_none() || garbage == b"d1:xd1:xe");
    }
    assert_eq!(stays.aside("1").value(), "1");
}

#[test]
fn a_message_of_other_types_is_answered_or_ignored() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    for message in [
        "d2:idi7e2:opi1ee",
        "de",
        "d2:id0:2:op0:e",
        "d2:idle2:opd1:xi1eee",
        "d2:id1:12:op5:clone7:sessioni1ee",
        "d2:id1:12:op9:interrupt7:sessionlee",
    ] {
        client.send_bytes(message.as_bytes());
        let answer = client.next().unwrap();
        assert!(answer.get_strs("status").contains(&"done"), "{message}: {answer:?}");
    }
    assert_eq!(client.aside("1").value(), "1");
}

#[test]
fn many_clients_at_once_are_all_served() {
    let fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    thread::scope(|scope| {
        for number in 0..8 {
            let mut client = serve.client();
            scope.spawn(move || {
                let session = client.session();
                client.eval(&session, &format!("let mine = {number};"));
                for _ in 0..3 {
                    assert_eq!(client.eval(&session, "mine").value(), number.to_string());
                }
            });
        }
    });
}

#[test]
fn more_clients_than_there_are_places_wait() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let idle: Vec<_> = (0..64).map(|_| serve.client()).collect();
    let mut late = serve.client();
    let id = late.send("describe", &[]);
    drop(idle);
    late.answer(&id);
}

#[test]
fn a_client_that_reads_nothing_holds_up_nobody() {
    let fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    let mut deaf = TcpStream::connect(("127.0.0.1", serve.port())).unwrap();
    for _ in 0..200 {
        deaf.write_all(b"d2:id1:12:op8:describee").unwrap();
    }
    assert_eq!(serve.client().aside("1").value(), "1");
    deaf.shutdown(Shutdown::Both).unwrap();
}

#[test]
fn a_session_has_a_line_of_bounded_length() {
    let (fleet, app) = Fleet::of_an_app(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    let ids: Vec<_> =
        (0..80).map(|_| client.send("eval", &[("session", &session), ("code", "1")])).collect();
    let refused = client.answer(&ids[79]);
    assert!(refused.text("err").contains("too many evaluations wait"), "{refused:?}");
    app.release();
    assert_eq!(client.answer(&ids[0]).values(), ["1"]);
}
