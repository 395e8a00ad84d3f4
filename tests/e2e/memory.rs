//! Floods of gigabytes leave the memory of sidecar and gateway small (P11).
//!
//! A process of its own, with one test: nothing else may grow meanwhile.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::Duration;

use prepl_core::{Class, Event, Limits, Stream};
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::hostile::{Conduct, Hostile};
use prepl_tests::rogue::{self, Then};
use prepl_tests::{Asked, World, plan};

/// What both ends together may grow by.
const BOUND: usize = 64 << 20;

/// The largest memory of this process so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_are_not_kept() {
    let nrepl = |flood: &str| Conduct::nrepl().on_eval("").floods(flood);
    let clojure = |flood: &str| Conduct::clojure().on_eval("").floods(flood);
    let mut world = World::new();
    let mut repls = Vec::new();
    for conduct in [
        nrepl("d2:id1:33:out4:moree"),
        nrepl("d2:id1:35:value4:moree"),
        nrepl("d2:id1:32:ns4:user5:value4:moree"),
        nrepl("d2:ex9:class a.B2:id1:3e"),
        Conduct::nrepl().on_eval("d2:id1:35:value2147483647:").floods("x"),
        Conduct::silent().says("d2147483647:").floods("x"),
    ] {
        let repl = Hostile::start(conduct).await;
        world.add(Endpoint::Nrepl(repl.address)).await;
        repls.push(repl);
    }
    for conduct in [
        clojure("\u{1}1 out QUJD\n"),
        clojure("\u{1}1 part QUJD\n\u{1}1 value 0\n"),
        Conduct::clojure().on_eval("\u{1}1 out ").floods("QUJD"),
        Conduct::silent().floods("x"),
    ] {
        let repl = Hostile::start(conduct).await;
        world.add(Endpoint::Clojure(repl.address)).await;
        repls.push(repl);
    }
    let output = Event::Output { stream: Stream::Out, bytes: vec![b'x'; 60 << 10].into() };
    let _rogue = world.add_rogue(rogue::Conduct::new(vec![output], Then::Repeats)).await;

    let before = peak();
    let mut flooded = plan("1");
    flooded.limits = Limits::new(Duration::from_secs(5), 64 << 10, 64 << 10).unwrap();
    let asked = Asked::ask(&world.gateway(Role::Evaluator), &world.selection(), flooded).await;
    assert!(!asked.classes().contains(&Class::Ok), "{:?}", asked.classes());
    let offered: u64 = asked.answers.iter().map(|answer| answer.done.output_bytes).sum();
    assert!(offered > 0, "nothing was flooded");
    let grown = peak() - before;
    assert!(grown < BOUND, "grown by {grown} bytes");
}
