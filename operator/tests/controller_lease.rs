//! Of several controllers one leads; time here is tokio's pretended one.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use prepl_operator::controller::lease::{Candidate, Standing, Step, decide};
use prepl_operator::controller::metrics::Metrics;
use prepl_runtime::admin::Vitals;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn held(holder: &str, seconds: i32) -> Lease {
    let spec = json!({"holderIdentity": holder, "leaseDurationSeconds": seconds});
    serde_json::from_value(json!({"metadata": {"resourceVersion": "1"}, "spec": spec})).unwrap()
}

/// What `me` does who has waited for `unchanged` seconds.
fn waiting(lease: &Lease, unchanged: u64) -> Step {
    let since = Instant::now();
    decide(Some(lease), "me", Standing::Waits(since), since + seconds(unchanged))
}

#[test]
fn what_nobody_holds_is_taken() {
    let now = Instant::now();
    assert_eq!(decide(None, "me", Standing::Waits(now), now), Step::Acquire);
    assert_eq!(decide(None, "me", Standing::Leads, now), Step::Acquire);
    assert_eq!(waiting(&Lease::default(), 0), Step::Acquire);
    assert_eq!(waiting(&held("", 15), 0), Step::Acquire);
}

#[test]
fn what_another_holds_is_waited_for_until_it_was_seen_unchanged_for_its_time() {
    assert_eq!(waiting(&held("other", 15), 0), Step::Wait(seconds(2)));
    assert_eq!(waiting(&held("other", 15), 14), Step::Wait(seconds(1)));
    assert_eq!(waiting(&held("other", 15), 15), Step::Acquire);
}

#[test]
fn no_lease_is_believed_to_be_shorter_than_a_term_or_endless() {
    assert_eq!(waiting(&held("other", 1), 14), Step::Wait(seconds(1)));
    assert_eq!(waiting(&held("other", -1), 14), Step::Wait(seconds(1)));
    assert_eq!(waiting(&held("other", 30), 29), Step::Wait(seconds(1)));
    assert_eq!(waiting(&held("other", i32::MAX), 60), Step::Acquire);
}

#[test]
fn ones_own_is_kept_and_a_leader_that_sees_another_stops() {
    let now = Instant::now();
    assert_eq!(waiting(&held("me", 15), 0), Step::Renew);
    assert_eq!(decide(Some(&held("me", 15)), "me", Standing::Leads, now), Step::Renew);
    assert_eq!(decide(Some(&held("other", 15)), "me", Standing::Leads, now), Step::Lost);
}

/// The API server's Lease, as one of its clients reaches it.
#[derive(Clone, Default)]
struct Server {
    lease: Arc<Mutex<Option<Lease>>>,
    cut: Arc<AtomicBool>,
}

impl Server {
    async fn reached(&self) {
        if self.cut.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    /// Stores it, if nobody has written since `lease` was read.
    fn store(&self, mut lease: Lease) -> Response {
        let mut stored = self.lease.lock().unwrap();
        let version = stored.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        if lease.metadata.resource_version != version {
            return refused(StatusCode::CONFLICT, "Conflict");
        }
        let next = version.map_or(1, |version| version.parse::<u64>().unwrap() + 1);
        lease.metadata.resource_version = Some(next.to_string());
        *stored = Some(lease.clone());
        Json(lease).into_response()
    }

    fn client(&self) -> Client {
        let routes = axum::Router::new()
            .route("/apis/coordination.k8s.io/v1/namespaces/prepl-system/leases", post(write))
            .route(
                "/apis/coordination.k8s.io/v1/namespaces/prepl-system/leases/prepl-controller",
                get(read).put(write),
            )
            .with_state(self.clone());
        Client::new(routes, "prepl-system")
    }
}

async fn read(State(server): State<Server>) -> Response {
    server.reached().await;
    let lease = server.lease.lock().unwrap().clone();
    let none = || refused(StatusCode::NOT_FOUND, "NotFound");
    lease.map_or_else(none, |lease| Json(lease).into_response())
}

async fn write(State(server): State<Server>, Json(lease): Json<Lease>) -> Response {
    server.reached().await;
    server.store(lease)
}

fn refused(code: StatusCode, reason: &str) -> Response {
    let status =
        json!({"kind": "Status", "status": "Failure", "code": code.as_u16(), "reason": reason});
    (code, Json(status)).into_response()
}

/// Controllers of one cluster, and what they tell.
struct World {
    server: Server,
    tell: mpsc::UnboundedSender<String>,
    told: mpsc::UnboundedReceiver<String>,
}

struct Controller {
    cut: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    metrics: Arc<Metrics>,
}

impl World {
    fn new() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self { server: Server::default(), tell, told }
    }

    fn start(&self, name: &'static str) -> Controller {
        let server = Server { cut: Arc::default(), ..self.server.clone() };
        let cut = Arc::clone(&server.cut);
        let (stop, stopped) = oneshot::channel::<()>();
        let metrics = Arc::new(Metrics::default());
        let (counts, tell) = (Arc::clone(&metrics), self.tell.clone());
        tokio::spawn(async move {
            let mut candidate = Candidate::new(server.client(), "prepl-system", name);
            tokio::select! {
                () = candidate.lead(&counts, || work(name, tell.clone())) => {}
                _ = stopped => {}
            }
            candidate.release().await;
        });
        Controller { cut, stop, metrics }
    }

    /// What is told next, which is `None` when nothing is for a long time.
    async fn next(&mut self) -> Option<String> {
        tokio::time::timeout(seconds(600), self.told.recv()).await.ok().flatten()
    }

    async fn expect(&mut self, told: &str) {
        assert_eq!(self.next().await.as_deref(), Some(told));
    }
}

struct Work(&'static str, mpsc::UnboundedSender<String>);

impl Drop for Work {
    fn drop(&mut self) {
        let _ = self.1.send(format!("{} ends", self.0));
    }
}

async fn work(name: &'static str, tell: mpsc::UnboundedSender<String>) {
    tell.send(format!("{name} begins")).unwrap();
    let _work = Work(name, tell);
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn of_two_that_start_together_one_leads_and_goes_on() {
    let mut world = World::new();
    let controllers = [world.start("a"), world.start("b")];
    let first = world.next().await.unwrap();
    assert!(first.ends_with("begins"), "{first}");
    assert_eq!(world.next().await, None);
    let text = controllers.iter().map(|one| one.metrics.metrics()).collect::<String>();
    assert_eq!(text.matches("prepl_leads_total 1").count(), 1);
    assert_eq!(text.matches("prepl_leads_total 0").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_in_order_hands_over_before_its_lease_ends() {
    let mut world = World::new();
    let a = world.start("a");
    world.expect("a begins").await;
    let _b = world.start("b");
    assert_eq!(world.next().await, None, "b waits");
    a.stop.send(()).unwrap();
    world.expect("a ends").await;
    let next = tokio::time::timeout(seconds(3), world.next()).await;
    assert_eq!(next.unwrap().as_deref(), Some("b begins"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cut_off_ends_before_the_next_begins_and_comes_back() {
    let mut world = World::new();
    let a = world.start("a");
    world.expect("a begins").await;
    let b = world.start("b");
    assert_eq!(world.next().await, None, "b waits");
    a.cut.store(true, Ordering::Relaxed);
    world.expect("a ends").await;
    world.expect("b begins").await;
    a.cut.store(false, Ordering::Relaxed);
    b.stop.send(()).unwrap();
    world.expect("b ends").await;
    world.expect("a begins").await;
    assert!(a.metrics.metrics().contains("prepl_leads_total 2"));
}

#[tokio::test(start_paused = true)]
async fn of_many_that_see_a_dead_ones_lease_end_one_takes_it() {
    let mut world = World::new();
    *world.server.lease.lock().unwrap() = Some(held("dead", 15));
    let _controllers = ["a", "b", "c"].map(|name| world.start(name));
    let first = world.next().await.unwrap();
    assert!(first.ends_with("begins"), "{first}");
    assert_eq!(world.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_sees_anothers_name_ends() {
    let mut world = World::new();
    let _a = world.start("a");
    world.expect("a begins").await;
    let taken = Lease { metadata: stored(&world).metadata, ..held("other", 15) };
    *world.server.lease.lock().unwrap() = Some(taken);
    world.expect("a ends").await;
    world.expect("a begins").await;
}

fn stored(world: &World) -> Lease {
    world.server.lease.lock().unwrap().clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_lease_tells_who_holds_it_and_how_often_it_changed_hands() {
    let mut world = World::new();
    *world.server.lease.lock().unwrap() = Some(held("dead", 15));
    let a = world.start("a");
    world.expect("a begins").await;
    let spec = stored(&world).spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some("a"));
    assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(15), Some(1)));
    let _b = world.start("b");
    a.stop.send(()).unwrap();
    world.expect("a ends").await;
    world.expect("b begins").await;
    let spec = stored(&world).spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some("b"));
    assert_eq!(spec.lease_transitions, Some(2));
}
