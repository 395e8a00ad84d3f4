//! How an evaluation is started, and what comes back.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::{session, session_within, text_of};
use prepl_script::{Bounds, Engine, Fault, Limits, Said, Session, Sight, Stop, VERSION, Value};

type End = Receiver<(Session, Result<Value, Fault>)>;

fn start(
    session: Session,
    text: &str,
    bounds: Bounds,
    stop: &Stop,
    listener: impl FnMut(Said) + Send + 'static,
) -> End {
    let (end_to_test, end) = channel();
    let ended = move |session, answer| end_to_test.send((session, answer)).unwrap();
    session.start(text.into(), bounds, stop.clone(), listener, ended);
    end
}

fn answer_within(bounds: Bounds, text: &str) -> (Result<Value, Fault>, Vec<Said>) {
    let (said_to_test, said) = channel();
    let limits = Limits { value_bytes: 6, output_bytes: 6, ..Limits::default() };
    let end = start(session_within(limits), text, bounds, &Stop::default(), move |word| {
        said_to_test.send(word).unwrap();
    });
    (end.recv().unwrap().1, said.into_iter().collect())
}

#[test]
fn the_bounds_of_one_evaluation_cut_its_value_and_output() {
    let bounds = Bounds { value_bytes: 3, output_bytes: 3, ..Bounds::NONE };
    let (answer, said) = answer_within(bounds, "print(\"abcdefgh\"); 12345678");
    assert_eq!(answer, Ok(Value { text: "123".to_owned(), truncated: true }));
    assert_eq!(said, [Said::Printed("ab".to_owned()), Said::Cut]);
}

#[test]
fn a_read_only_evaluation_asks_no_server_whatever_it_was_defined_in() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let bounds = Bounds { read_only: true, ..Bounds::NONE };
    let text = format!("fn ask() {{ http_get({url:?}) }}");
    let end = start(session(), &text, Bounds::NONE, &Stop::default(), |_| ());
    let (defined, _) = end.recv().unwrap();
    let end = start(defined, "ask()", bounds, &Stop::default(), |_| ());
    let message = end.recv().unwrap().1.unwrap_err().to_string();
    assert!(message.contains("in a read-only evaluation"), "{message}");
    assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn bounds_beyond_the_engines_limits_do_not_raise_them() {
    let (answer, said) = answer_within(Bounds::NONE, "print(\"abcdefgh\"); 12345678");
    assert_eq!(answer, Ok(Value { text: "123456".to_owned(), truncated: true }));
    assert_eq!(said, [Said::Printed("abcde".to_owned()), Said::Cut]);
}

#[test]
fn the_wall_time_of_one_evaluation_ends_it() {
    let wall = Duration::from_millis(20);
    let (answer, _) = answer_within(Bounds { wall, ..Bounds::NONE }, "loop {}");
    assert_eq!(answer, Err(Fault::TimedOut(wall)));
}

#[test]
fn the_session_comes_back_with_what_it_learned() {
    let end = start(session(), "let x = 41; throw 1", Bounds::NONE, &Stop::default(), |_| ());
    let (mut session, answer) = end.recv().unwrap();
    answer.unwrap_err();
    assert_eq!(text_of(&mut session, "x + 1"), "42");
}

#[test]
fn the_listener_is_gone_before_the_end_is_told() {
    let (said_to_test, said) = channel();
    let (end_to_test, end) = channel();
    let listener = move |word| said_to_test.send(word).unwrap();
    session().start("print(1)".into(), Bounds::NONE, Stop::default(), listener, move |_, _| {
        // Would wait for ever if the listener still had its end.
        end_to_test.send(said.into_iter().count()).unwrap();
    });
    assert_eq!(end.recv(), Ok(1));
}

#[test]
fn a_panic_breaks_one_evaluation_and_the_session_comes_back() {
    let stop = Stop::default();
    let text = "let x = 1; print(x); x = 2;";
    let end = start(session(), text, Bounds::NONE, &stop, |_| panic!("on purpose"));
    let (mut session, answer) = end.recv().unwrap();
    assert_eq!(answer, Err(Fault::Broke));
    assert_eq!(text_of(&mut session, "x"), "1");
}

#[test]
fn too_many_scripts_at_once_are_refused_with_their_session() {
    let engine = Engine::new(
        Sight::default(),
        Limits { wall: Duration::from_secs(600), operations: u64::MAX, ..Limits::default() },
    );
    let stop = Stop::default();
    let start = || start(Session::new(engine.clone()), "loop {}", Bounds::NONE, &stop, |_| ());
    let running: Vec<_> = (0..32).map(|_| start()).collect();
    assert_eq!(start().try_recv().unwrap().1, Err(Fault::NoThread));
    stop.stop();
    for end in running {
        assert_eq!(end.recv().unwrap().1, Err(Fault::Stopped));
    }
}

#[test]
fn the_version_is_that_of_the_lock_file() {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"));
    let begin = format!("name = \"rhai\"\nversion = \"{VERSION}.");
    assert!(lock.unwrap().contains(&begin), "{VERSION}");
}
