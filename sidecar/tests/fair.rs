//! One caller cannot take all of a sidecar.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/stub.rs"]
mod stub;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use prepl_core::{Evaluation, Event, Expression, Limits, Origin, Outcome, RequestId, RunId};
use prepl_identity::Name;
use prepl_script::Sight;
use prepl_sidecar::caller::Caller;
use prepl_sidecar::endpoint::Endpoint;
use prepl_sidecar::evaluator::{Evaluator, Followed};
use prepl_sidecar::portion::{Portion, USER_RUNNING, USER_SESSIONS, USER_WAITING};
use prepl_sidecar::session::Sessions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Ends when the peer leaves: it is the peer who is tested.
async fn answer(mut peer: TcpStream) -> std::io::Result<()> {
    let mut heard = stub::open(&mut peer).await?;
    if !heard.windows(6).any(|code| code == b"4:wait") {
        peer.write_all(b"d2:id1:36:status4:donee").await?;
    }
    while peer.read_buf(&mut heard).await? > 0 {}
    Ok(())
}

struct Asker(Caller);

impl Asker {
    fn new(path: &str) -> Asker {
        let name: Name = format!("spiffe://fleet/{path}").parse().unwrap();
        let portion = Arc::new(Portion::of(&name.holder));
        let until = SystemTime::now() + Duration::from_secs(3600);
        Asker(Caller { name: path.into(), portion, until })
    }

    fn ask(&self, evaluator: &Arc<Evaluator>, code: &str) -> mpsc::Receiver<Event> {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let seconds = if code == "wait" { 60 } else { 10 };
        let evaluation = Evaluation {
            run: RunId::from_random([id; 5]),
            request: RequestId::from_random([id; 16]),
            recall: false,
            interactive: false,
            read_only: false,
            replica_uid: "uid".into(),
            expression: Expression::new(code).unwrap(),
            origin: Origin::Typed,
            session: None,
            namespace: None,
            limits: Limits::new(Duration::from_secs(seconds), 1024, 1024).unwrap(),
        };
        match evaluator.start(evaluation, self.0.clone()) {
            Followed::Live(events) => events,
            Followed::Remembered(_) | Followed::Refused(_) => panic!("not run"),
        }
    }
}

async fn outcome(mut events: mpsc::Receiver<Event>) -> Outcome {
    while let Some(event) = events.recv().await {
        if let Event::Done(done) = event {
            return done.outcome;
        }
    }
    panic!("no outcome");
}

async fn begun(events: &mut mpsc::Receiver<Event>) {
    assert_eq!(events.recv().await, Some(Event::Started));
}

async fn evaluator() -> Arc<Evaluator> {
    let sessions = Sessions::new(Endpoint::Nrepl(stub::start(answer).await), Sight::default());
    let ceiling = Limits::new(Duration::from_secs(60), 1024, 1024).unwrap();
    Evaluator::new(sessions, ceiling)
}

#[tokio::test]
async fn a_user_who_fills_his_places_does_not_keep_another_out() {
    let evaluator = evaluator().await;
    let (greedy, other) = (Asker::new("user/admin/mira"), Asker::new("user/evaluator/oz"));
    let mut waiting: Vec<_> =
        (0..USER_RUNNING + USER_WAITING).map(|_| greedy.ask(&evaluator, "wait")).collect();
    for events in waiting.iter_mut().take(USER_RUNNING) {
        begun(events).await;
    }
    assert_eq!(outcome(other.ask(&evaluator, "1")).await, Outcome::Ok);

    let refused = outcome(greedy.ask(&evaluator, "1")).await;
    assert!(refused.reason().unwrap().as_str().contains("of yours"), "{refused:?}");
}

#[tokio::test]
async fn a_gateway_has_all_places() {
    let evaluator = evaluator().await;
    let gateway = Asker::new("gateway/g1");
    let mut waiting: Vec<_> =
        (0..2 * USER_RUNNING).map(|_| gateway.ask(&evaluator, "wait")).collect();
    for events in &mut waiting {
        begun(events).await;
    }
}

#[tokio::test]
async fn a_user_who_keeps_many_sessions_leaves_room_for_another() {
    let sessions = Sessions::new(Endpoint::Rhai, Sight::default());
    let (greedy, other) = (Asker::new("user/evaluator/evil"), Asker::new("user/admin/mira"));
    let keep = async |asker: &Asker, name: &str| {
        let name = name.parse().unwrap();
        sessions.lease(&asker.0, Some(&name)).await.map(drop).is_ok()
    };
    for number in 0..USER_SESSIONS {
        assert!(keep(&greedy, &format!("s{number}")).await, "{number}");
    }
    assert!(!keep(&greedy, "one-more").await);
    assert!(keep(&greedy, "s0").await, "a name that it has");
    assert!(keep(&other, "one-more").await);
}
