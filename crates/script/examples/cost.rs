//! Prints what one evaluation costs: `cargo run --release -p prepl-script --example cost`.
#![allow(clippy::print_stdout, reason = "printing is its purpose")]

use std::time::Instant;

use prepl_script::{Engine, Fault, Limits, Session, Sight, Stop};

const TIMES: u32 = 10_000;

fn main() -> Result<(), Fault> {
    let started = Instant::now();
    let mut session = Session::new(Engine::new(Sight::default(), Limits::default()));
    println!("engine: {:?}", started.elapsed());
    for text in ["40 + 2", "let x = 1; x + 2", "let s = 0; for i in 0..100 { s += i } s"] {
        let started = Instant::now();
        for _ in 0..TIMES {
            session.evaluate(text, &Stop::default(), &mut |_| ())?;
        }
        println!("{text}: {:?}", started.elapsed() / TIMES);
    }
    Ok(())
}
