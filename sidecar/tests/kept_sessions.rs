//! A kept session ends with its time, with its caller's access and by his word, and says good-bye.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prepl_core::SessionName;
use prepl_identity::Name;
use prepl_script::Sight;
use prepl_sidecar::caller::Caller;
use prepl_sidecar::driver::stream::Ending;
use prepl_sidecar::driver::{End, Refused};
use prepl_sidecar::endpoint::Endpoint;
use prepl_sidecar::portion::Portion;
use prepl_sidecar::session::{IDLE_LIMIT, Lease, Sessions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const DESCRIBED: &[u8] = b"d2:id1:13:opsd5:clonede5:closede4:evaldee6:statusl4:doneee";
const CLONED: &[u8] = b"d2:id1:211:new-session3:s-16:statusl4:doneee";
const CLOSED: &[u8] = b"d2:id1:36:statusl4:doneee";

const HOUR: Duration = Duration::from_secs(3600);
/// Far more than a good-bye takes.
const HANGS_AFTER: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);

/// Opens sessions and counts the good-byes.
struct App {
    sessions: Arc<Sessions>,
    closed: watch::Receiver<usize>,
}

impl App {
    async fn start() -> App {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (closes, closed) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(talk(peer, closes.clone()));
            }
        });
        App { sessions: Sessions::new(Endpoint::Nrepl(address), Sight::default()), closed }
    }

    async fn lease(&self, caller: &Caller) -> Lease {
        self.sessions.lease(caller, Some(&name())).await.unwrap()
    }

    /// Evaluates something in the session of a caller; tells whether it began.
    async fn use_by(&self, caller: &Caller) -> bool {
        let lease = self.lease(caller).await;
        let began = lease.session_began();
        lease.give_back(&Ending::Answered(End::default()));
        began
    }

    fn closed(&self) -> usize {
        *self.closed.borrow()
    }

    async fn until_closed(&mut self, count: usize) {
        let closed = self.closed.wait_for(|closed| *closed == count);
        timeout(HANGS_AFTER, closed).await.unwrap().unwrap();
    }
}

async fn talk(mut peer: TcpStream, closes: watch::Sender<usize>) -> std::io::Result<()> {
    let mut heard = Vec::with_capacity(4096);
    for answer in [DESCRIBED, CLONED] {
        peer.read_buf(&mut heard).await?;
        peer.write_all(answer).await?;
    }
    heard.clear();
    peer.read_buf(&mut heard).await?;
    assert!(heard.windows(10).any(|told| told == b"2:op5:clos"), "a good-bye");
    closes.send_modify(|count| *count += 1);
    peer.write_all(CLOSED).await
}

fn name() -> SessionName {
    "fix".parse().unwrap()
}

/// A user whose certificate lasts for an hour.
fn caller(user: &str) -> Caller {
    let name: Name = format!("spiffe://fleet/user/evaluator/{user}").parse().unwrap();
    let portion = Arc::new(Portion::of(&name.holder));
    Caller { name: user.into(), portion, until: SystemTime::now() + HOUR }
}

#[tokio::test]
async fn a_session_begins_once_until_it_ended() {
    let app = App::start().await;
    let (mira, otto) = (caller("mira"), caller("otto"));
    assert!(app.use_by(&mira).await && !app.use_by(&mira).await);
    assert!(app.use_by(&otto).await, "it is another one");
    assert!(app.sessions.end(&mira.name, &name()).await);
    assert_eq!(app.closed(), 1);
    assert!(!app.sessions.end(&mira.name, &name()).await, "there is none any more");
    assert!(app.use_by(&mira).await && !app.use_by(&otto).await);
}

#[tokio::test]
async fn a_session_that_is_of_no_more_use_begins_anew() {
    let app = App::start().await;
    let mira = caller("mira");
    let lease = app.lease(&mira).await;
    lease.give_back(&Ending::Lost("broken".into()));
    assert!(app.use_by(&mira).await);
}

#[tokio::test]
async fn a_refusal_keeps_the_session_unless_the_runtime_has_forgotten_it() {
    let app = App::start().await;
    let mira = caller("mira");
    for (refused, begins) in [
        (Refused::Runtime("no such namespace".into()), false),
        (Refused::Function("did not call it".into()), false),
        (Refused::Forgotten("no such session".into()), true),
    ] {
        app.use_by(&mira).await;
        let end = End { refused: Some(refused.clone()), ..End::default() };
        app.lease(&mira).await.give_back(&Ending::Answered(end));
        assert_eq!(app.use_by(&mira).await, begins, "{refused:?}");
    }
}

#[tokio::test]
async fn one_in_use_ends_after_its_evaluation_and_the_next_one_begins_anew() {
    let mut app = App::start().await;
    let mira = caller("mira");
    let lease = app.lease(&mira).await;
    assert!(app.sessions.end(&mira.name, &name()).await);
    assert!(app.use_by(&mira).await, "nobody waits for what has ended");
    assert_eq!(app.closed(), 0, "it is in use");
    lease.give_back(&Ending::Answered(End::default()));
    app.until_closed(1).await;
}

#[tokio::test]
async fn whoever_waited_for_one_that_ended_does_not_lose_his_own() {
    let mut app = App::start().await;
    let mira = caller("mira");
    let lease = app.lease(&mira).await;
    let sessions = Arc::clone(&app.sessions);
    let waiting = {
        let mira = mira.clone();
        tokio::spawn(async move { sessions.lease(&mira, Some(&name())).await.unwrap() })
    };
    // One thread: the other one waits in line by now.
    tokio::task::yield_now().await;
    assert!(app.sessions.end(&mira.name, &name()).await);
    lease.give_back(&Ending::Answered(End::default()));
    waiting.await.unwrap().give_back(&Ending::Answered(End::default()));
    app.until_closed(1).await;
    assert!(app.use_by(&mira).await);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_with_the_access() {
    let app = App::start().await;
    let (mira, otto) = (caller("mira"), caller("otto"));
    app.use_by(&mira).await;
    app.sessions.retire(Instant::now() + IDLE_LIMIT - SECOND).await;
    assert_eq!(app.closed(), 0);
    app.sessions.retire(Instant::now() + IDLE_LIMIT + SECOND).await;
    assert_eq!(app.closed(), 1);
    let soon = Caller { until: SystemTime::now() + 60 * SECOND, ..otto };
    app.use_by(&soon).await;
    app.sessions.retire(Instant::now() + 30 * SECOND).await;
    assert_eq!(app.closed(), 1);
    app.sessions.retire(Instant::now() + 61 * SECOND).await;
    assert_eq!(app.closed(), 2);
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_access_it_was_used_under_last() {
    let mut app = App::start().await;
    let mira = caller("mira");
    let soon = Caller { until: SystemTime::now() + 60 * SECOND, ..mira.clone() };
    app.use_by(&soon).await;
    assert!(!app.use_by(&mira).await, "of another access, and the same user's");
    app.sessions.retire(Instant::now() + 61 * SECOND).await;
    assert_eq!(app.closed(), 0);
    let lease = app.lease(&soon).await;
    app.sessions.retire(Instant::now() + 61 * SECOND).await;
    assert_eq!(app.closed(), 0, "it is in use");
    lease.give_back(&Ending::Answered(End::default()));
    app.until_closed(1).await;
}
