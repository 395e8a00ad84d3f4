//! Many large answers at a time stay within one budget of memory (P11).
//!
//! A process of its own, with one test: nothing else may grow meanwhile.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/stub.rs"]
mod stub;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prepl_core::{Class, Evaluation, Event, Expression, Limits, Origin, Outcome, RequestId, RunId};
use prepl_identity::Name;
use prepl_script::Sight;
use prepl_sidecar::budget::MAX_VALUE;
use prepl_sidecar::caller::Caller;
use prepl_sidecar::endpoint::Endpoint;
use prepl_sidecar::evaluator::{Evaluator, Followed};
use prepl_sidecar::portion::Portion;
use prepl_sidecar::session::Sessions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PARALLEL: u8 = 16;
/// Bytes of each value; with its keys it is just below the largest message.
const VALUE: usize = 15 << 20;
/// What a sidecar may grow by beyond what it takes anyway.
const BOUND: usize = 40 << 20;

/// The largest memory of this process so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Ends when the peer leaves: it is the peer who is tested.
async fn answer(mut peer: TcpStream) -> std::io::Result<()> {
    let mut heard = stub::open(&mut peer).await?;
    peer.write_all(format!("d2:id1:32:ns4:user5:value{VALUE}:").as_bytes()).await?;
    let piece = vec![b'x'; 64 << 10];
    for _ in 0..VALUE / piece.len() {
        peer.write_all(&piece).await?;
    }
    peer.write_all(b"ed2:id1:36:status4:donee").await?;
    while peer.read_buf(&mut heard).await? > 0 {}
    Ok(())
}

fn evaluation(id: u8, most: u32) -> Evaluation {
    Evaluation {
        run: RunId::from_random([id; 5]),
        request: RequestId::from_random([id; 16]),
        recall: false,
        interactive: false,
        read_only: false,
        replica_uid: "uid".into(),
        expression: Expression::new("1").unwrap(),
        origin: Origin::Typed,
        session: None,
        namespace: None,
        limits: Limits::new(Duration::from_secs(60), most, most).unwrap(),
    }
}

/// Asks for as many as run at a time; the longest value of each and its outcome.
async fn ask(evaluator: &Arc<Evaluator>, first_id: u8, most: u32) -> Vec<(usize, Outcome)> {
    // 16 of them at a time, as only a gateway may.
    let gateway: Name = "spiffe://fleet/gateway/g1".parse().unwrap();
    let portion = Arc::new(Portion::of(&gateway.holder));
    let until = SystemTime::now() + Duration::from_secs(3600);
    let caller = Caller { name: "g1".into(), portion, until };
    let follow = |id| {
        let followed = evaluator.start(evaluation(first_id + id, most), caller.clone());
        let Followed::Live(events) = followed else { panic!("not run") };
        tokio::spawn(follow(events))
    };
    let mut answers = Vec::new();
    for following in (0..PARALLEL).map(follow).collect::<Vec<_>>() {
        answers.push(following.await.unwrap());
    }
    answers
}

async fn follow(mut events: tokio::sync::mpsc::Receiver<Event>) -> (usize, Outcome) {
    let mut longest = 0;
    while let Some(event) = events.recv().await {
        longest = longest.max(event.text_bytes());
        if let Event::Done(done) = event {
            return (longest, done.outcome);
        }
    }
    panic!("no outcome");
}

#[tokio::test]
async fn sixteen_values_of_15_mib_are_not_held_at_a_time() {
    let sessions = Sessions::new(Endpoint::Nrepl(stub::start(answer).await), Sight::default());
    let most = MAX_VALUE;
    let ceiling = Limits::new(Duration::from_secs(60), most, most).unwrap();
    let evaluator = Evaluator::new(sessions, ceiling);
    let before = peak();

    for (longest, outcome) in ask(&evaluator, 0, 64 << 10).await {
        assert_eq!((longest, outcome), (64 << 10, Outcome::Ok), "what is cut needs no room");
    }
    let grown = peak() - before;
    assert!(grown < 8 << 20, "small limits: grown by {grown} bytes");

    let answers = ask(&evaluator, 100, most).await;
    let grown = peak() - before;
    assert!(grown < BOUND, "large limits: grown by {grown} bytes");
    let without = answers.iter().filter(|(_, outcome)| outcome.class() == Class::Unknown);
    for (_, outcome) in without.clone() {
        assert!(outcome.reason().unwrap().as_str().contains("--limit-bytes"), "{outcome:?}");
    }
    assert!(without.count() > 0, "16 values found room: the budget is not kept");

    let (alone, outcome) = &ask(&evaluator, 200, most).await[0];
    assert!(outcome.class() != Class::Ok || *alone == most as usize);
}
