//! A session in one line, for every test.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::mem::replace;
use std::sync::LazyLock;
use std::sync::mpsc::sync_channel;

use prepl_script::{Bounds, Engine, Fault, Limits, Said, Session, Sight, Stop, Value};

pub fn session() -> Session {
    session_within(Limits::default())
}

pub fn session_within(limits: Limits) -> Session {
    Session::new(Engine::new(Sight::default(), limits))
}

pub fn run(session: &mut Session, text: &str) -> Result<Value, Fault> {
    evaluate(session, text, &Stop::default(), &mut |_| ())
}

/// What stands in for a session while it is away.
static NOBODY: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Sight::default(), Limits::default()));

/// Evaluates, and blocks until the end.
pub fn evaluate(
    session: &mut Session,
    text: &str,
    stop: &Stop,
    listener: &mut dyn FnMut(Said),
) -> Result<Value, Fault> {
    let (said_to_test, said_by_script) = sync_channel(1);
    let (end_to_test, end_by_script) = sync_channel(1);
    replace(session, Session::new(NOBODY.clone())).start(
        text.into(),
        Bounds::NONE,
        stop.clone(),
        move |said| said_to_test.send(said).unwrap(),
        move |session, answer| end_to_test.send((session, answer)).unwrap(),
    );
    said_by_script.into_iter().for_each(listener);
    let (back, answer) = end_by_script.recv().unwrap();
    *session = back;
    answer
}

/// The result of one text in a new session.
pub fn once(text: &str) -> Result<Value, Fault> {
    run(&mut session(), text)
}

pub fn text_of(session: &mut Session, text: &str) -> String {
    run(session, text).unwrap().text
}

pub fn message_of(result: Result<Value, Fault>) -> String {
    result.unwrap_err().to_string()
}

pub fn said(session: &mut Session, text: &str) -> Vec<Said> {
    let mut all = Vec::new();
    evaluate(session, text, &Stop::default(), &mut |said| all.push(said)).unwrap();
    all
}
