//! Prints what one evaluation costs: `cargo run --release -p prepl-script --example cost`.
#![allow(clippy::print_stdout, reason = "printing is its purpose")]

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use prepl_script::{Bounds, Engine, Limits, Session, Sight, Stop};

const TIMES: u32 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let mut session = Session::new(Engine::new(Sight::default(), Limits::default()));
    println!("engine: {:?}", started.elapsed());
    for text in ["40 + 2", "let x = 1; x + 2", "let s = 0; for i in 0..100 { s += i } s"] {
        let started = Instant::now();
        for _ in 0..TIMES {
            session = evaluate(session, text)?;
        }
        println!("{text}: {:?}", started.elapsed() / TIMES);
    }
    Ok(())
}

fn evaluate(session: Session, text: &str) -> Result<Session, Box<dyn Error>> {
    let (end_to_main, end_by_script) = channel();
    let ended = move |session, answer| {
        // The receiver waits below.
        let _ = end_to_main.send((session, answer));
    };
    session.start(Arc::from(text), Bounds::NONE, Stop::default(), |_| (), ended);
    let (session, answer) = end_by_script.recv()?;
    answer?;
    Ok(session)
}
