//! When injection stops, and what a pod gets then.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Json;
use axum::http::{Request, header};
use axum::routing::post;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use prepl_identity::Authority;
use prepl_operator::controller::breaker::{State, Tally};
use prepl_operator::controller::inject::{SidecarSettings, Skip};
use prepl_operator::controller::metrics::Metrics;
use prepl_operator::controller::trust::Authorities;
use prepl_operator::controller::webhook::{Webhook, router};
use prepl_runtime::admin::Vitals;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

const NOW: i64 = 1_800_000_000;

fn at(after: i64) -> Timestamp {
    Timestamp::from_second(NOW + after).unwrap()
}

/// A pod of `age` seconds, whose container of that name is in that state.
fn pod(name: &str, age: i64, state: &Value, restarts: i32) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"creationTimestamp": at(-age).to_string()},
        "status": {"initContainerStatuses": [
            {"name": "first", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 9,
             "image": "", "imageID": "", "ready": false},
            {"name": name, "state": state, "restartCount": restarts,
             "image": "", "imageID": "", "ready": false},
        ]},
    }))
    .unwrap()
}

fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason}})
}

fn running() -> Value {
    json!({"running": {}})
}

fn tally(pod: &Pod) -> (usize, usize) {
    let Tally { failing, running } = Tally::of([pod], at(0));
    (failing, running)
}

fn next(state: State, failing: usize, running: usize, after: i64) -> State {
    state.next(Tally { failing, running }, at(after))
}

#[test]
fn a_sidecar_that_cannot_start_fails_for_whatever_reason() {
    for reason in [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ] {
        assert_eq!(tally(&pod("prepl", 60, &waiting(reason), 0)), (1, 0), "{reason}");
    }
}

#[test]
fn a_sidecar_that_was_started_three_times_again_fails_though_it_runs() {
    assert_eq!(tally(&pod("prepl", 60, &running(), 2)), (0, 1));
    assert_eq!(tally(&pod("prepl", 60, &running(), 3)), (1, 0));
}

#[test]
fn a_pod_that_is_still_being_made_tells_nothing() {
    assert_eq!(tally(&pod("prepl", 60, &waiting("PodInitializing"), 0)), (0, 0));
    assert_eq!(tally(&pod("prepl", 60, &json!({}), 0)), (0, 0));
    assert_eq!(tally(&Pod::default()), (0, 0));
}

#[test]
fn other_containers_and_old_pods_tell_nothing() {
    assert_eq!(tally(&pod("migrate", 60, &waiting("CrashLoopBackOff"), 9)), (0, 0));
    assert_eq!(tally(&pod("prepl", 599, &waiting("ErrImagePull"), 0)), (1, 0));
    assert_eq!(tally(&pod("prepl", 600, &waiting("ErrImagePull"), 0)), (0, 0));
    assert_eq!(tally(&pod("prepl", 600, &running(), 0)), (0, 0));
}

#[test]
fn the_pods_of_a_cluster_are_counted_together() {
    let bad = pod("prepl", 60, &waiting("ErrImagePull"), 0);
    let good = pod("prepl", 60, &running(), 0);
    let tally = Tally::of([&bad, &good, &bad], at(0));
    assert_eq!(tally, Tally { failing: 2, running: 1 });
}

#[test]
fn it_opens_at_three_that_fail_when_they_are_more_than_half() {
    assert_eq!(next(State::Closed, 2, 0, 0), State::Closed);
    assert_eq!(next(State::Closed, 3, 3, 0), State::Closed);
    assert_eq!(next(State::Closed, 3, 2, 0), State::Open(at(0)));
    assert_eq!(next(State::Closed, 40, 60, 0), State::Closed);
}

#[test]
fn once_open_it_closes_when_none_fails() {
    let open = State::Open(at(0));
    assert_eq!(next(open, 1, 90, 10), open);
    assert_eq!(next(open, 0, 0, 10), State::Closed);
}

#[test]
fn after_five_minutes_it_is_judged_anew() {
    let open = State::Open(at(0));
    assert_eq!(next(open, 1, 90, 299), open);
    assert_eq!(next(open, 1, 90, 300), State::Closed);
    assert_eq!(next(open, 3, 0, 300), State::Open(at(300)));
}

#[test]
fn the_reason_has_a_name_and_says_what_to_do() {
    assert_eq!(Skip::BreakerOpen.reason(), "BreakerOpen");
    assert!(Skip::BreakerOpen.to_string().contains("see the events of those pods"));
}

/// The webhook, and the events that it writes.
fn webhook(metrics: &Arc<Metrics>) -> (Router, mpsc::UnboundedReceiver<Value>) {
    let (written, events) = mpsc::unbounded_channel();
    let write = move |Json(event): Json<Value>| async move {
        written.send(event.clone()).unwrap();
        Json(event)
    };
    let server = Router::new().route("/api/v1/namespaces/shop/events", post(write));
    let settings = SidecarSettings {
        image: "prepl/sidecar:1".into(),
        enrol: "10.0.0.9:7072".into(),
        authorities: String::new(),
        trust_domain: "prepl.cluster".into(),
        namespace: "prepl-system".into(),
        resources: serde_json::json!({}),
    };
    let authority = Authority::create(&"prepl.cluster".parse().unwrap()).unwrap();
    let router = router(Webhook {
        events: prepl_runtime::seldom::Seldom::new(std::time::Instant::now()),
        client: Client::new(server, "prepl-system"),
        settings,
        authorities: Authorities::fixed(authority),
        breaker: Arc::clone(&metrics.breaker),
        metrics: Arc::clone(metrics),
    });
    (router, events)
}

/// What the API server is told about a new pod that asks properly.
async fn answer(webhook: &Router) -> Value {
    let pod = json!({
        "metadata": {
            "name": "api-1",
            "labels": {"prepl.dev/inject": "true"},
            "annotations": {"prepl.dev/repl": "rhai:"},
        },
        "spec": {"containers": [{"name": "app", "image": "api:1"}]},
    });
    let pods = json!({"group": "", "version": "v1", "resource": "pods"});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "namespace": "shop", "name": "api-1", "object": pod,
            "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": pods, "userInfo": {},
        },
    });
    let request = Request::post("/inject").header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(review.to_string())).unwrap();
    let answer = webhook.clone().oneshot(request).await.unwrap();
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["response"].take()
}

#[tokio::test(start_paused = true)]
async fn while_it_is_open_pods_are_admitted_as_they_are_and_told_why() {
    let metrics = Arc::new(Metrics::default());
    let (webhook, mut events) = webhook(&metrics);
    assert!(answer(&webhook).await["patch"].is_array());
    assert!(metrics.metrics().contains("\nprepl_injection_breaker_open 0\n"));

    metrics.breaker.set(true);
    let skipped = answer(&webhook).await;
    assert_eq!(skipped["allowed"], true);
    assert_eq!(skipped["patch"], Value::Null);
    assert!(skipped["warnings"][0].as_str().unwrap().contains("tried again by itself"));
    assert!(metrics.metrics().contains("\nprepl_injection_breaker_open 1\n"));
    let event = tokio::time::timeout(Duration::from_secs(60), events.recv()).await.unwrap();
    assert_eq!(event.unwrap()["reason"], "BreakerOpen");

    metrics.breaker.set(false);
    assert!(answer(&webhook).await["patch"].is_array());
}
