//! A session in one line, for every test.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use prepl_script::{Engine, Fault, Limits, Said, Session, Sight, Stop, Value};

pub fn session() -> Session {
    session_within(Limits::default())
}

pub fn session_within(limits: Limits) -> Session {
    Session::new(Engine::new(Sight::default(), limits))
}

pub fn run(session: &mut Session, text: &str) -> Result<Value, Fault> {
    session.evaluate(text, &Stop::default(), &mut |_| ())
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
    session.evaluate(text, &Stop::default(), &mut |said| all.push(said)).unwrap();
    all
}
