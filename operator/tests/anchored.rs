//! A gateway's audit log, its anchor and the controller's notary, over one store of objects.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Json, Path as Name, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use k8s_openapi::api::core::v1::Event;
use kube::Client;
use prepl_audit::{
    AttachClosed, Checkpoint, FaultKind, Log, Moment, PublicKey, Settings, SigningKey, Tail,
    Verified, Witness, verify,
};
use prepl_core::{Digest, Reason, RequestId};
use prepl_crd::AuditCheckpoint;
use prepl_operator::controller::metrics::Metrics;
use prepl_operator::controller::notary::Notary;
use prepl_operator::gateway::anchor::{self, Answer, answer};
use prepl_runtime::admin::Vitals;
use serde_json::json;
use tokio::sync::watch;
use tokio::time;

const OBJECTS: &str = "/apis/prepl.dev/v1alpha1/namespaces/prepl-system/auditcheckpoints";
const EVENTS: &str = "/api/v1/namespaces/prepl-system/events";

/// The API server, with a controller that looks at what a gateway writes.
#[derive(Clone, Default)]
struct Cluster(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    object: Option<AuditCheckpoint>,
    version: u64,
    events: Vec<Event>,
    notary: Option<Arc<Notary>>,
}

impl Cluster {
    fn new() -> (Cluster, Arc<Notary>) {
        let cluster = Cluster::default();
        let key = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
        let metrics = Arc::new(Metrics::default());
        let notary = Arc::new(Notary { client: cluster.client(), key, metrics });
        cluster.0.lock().unwrap().notary = Some(Arc::clone(&notary));
        (cluster, notary)
    }

    fn client(&self) -> Client {
        let routes = axum::Router::new()
            .route(OBJECTS, post(told))
            .route(&format!("{OBJECTS}/{{name}}"), get(read).put(told))
            .route(&format!("{OBJECTS}/{{name}}/status"), get(read).put(signed))
            .route(EVENTS, post(complained))
            .with_state(self.clone());
        Client::new(routes, "prepl-system")
    }

    fn object(&self) -> AuditCheckpoint {
        self.0.lock().unwrap().object.clone().unwrap()
    }

    /// Stores it as it is, if nobody has written since it was read.
    fn store(&self, change: impl FnOnce(Option<AuditCheckpoint>) -> AuditCheckpoint) -> Response {
        let mut stored = self.0.lock().unwrap();
        let before = stored.object.clone();
        let version = before.as_ref().and_then(|one| one.metadata.resource_version.clone());
        let mut next = change(before);
        if next.metadata.resource_version != version {
            return refused(StatusCode::CONFLICT, "Conflict");
        }
        stored.version += 1;
        next.metadata.resource_version = Some(stored.version.to_string());
        next.metadata.namespace = Some("prepl-system".to_owned());
        stored.object = Some(next.clone());
        Json(next).into_response()
    }

    /// What the controller signed, as a file of lines.
    fn lines(&self) -> Vec<u8> {
        let status = self.object().status.unwrap();
        let lines = status.checkpoints.iter().map(|one| serde_json::to_string(one).unwrap() + "\n");
        lines.collect::<String>().into_bytes()
    }

    fn verified(&self, folder: &Path) -> Verified {
        let key: PublicKey = self.object().status.unwrap().key.unwrap().parse().unwrap();
        let lines = self.lines();
        let witness = Witness { key, name: "checkpoints".to_owned(), lines: Box::new(&lines[..]) };
        verify(folder, Some(witness)).unwrap()
    }
}

async fn read(State(cluster): State<Cluster>, Name(_): Name<String>) -> Response {
    let object = cluster.0.lock().unwrap().object.clone();
    let none = || refused(StatusCode::NOT_FOUND, "NotFound");
    object.map_or_else(none, |object| Json(object).into_response())
}

/// A gateway writes: the status is not its to change.
async fn told(State(cluster): State<Cluster>, Json(next): Json<AuditCheckpoint>) -> Response {
    let status = |before: Option<AuditCheckpoint>| before.and_then(|before| before.status);
    let answer = cluster.store(|before| AuditCheckpoint { status: status(before), ..next });
    let notary = cluster.0.lock().unwrap().notary.clone();
    if let Some(notary) = notary.filter(|_| answer.status().is_success()) {
        notary.attend(&cluster.object()).await.unwrap();
    }
    answer
}

async fn signed(State(cluster): State<Cluster>, Json(next): Json<AuditCheckpoint>) -> Response {
    cluster.store(|_| next)
}

async fn complained(State(cluster): State<Cluster>, Json(event): Json<Event>) -> Response {
    cluster.0.lock().unwrap().events.push(event.clone());
    Json(event).into_response()
}

fn refused(code: StatusCode, reason: &str) -> Response {
    let status =
        json!({"kind": "Status", "status": "Failure", "code": code.as_u16(), "reason": reason});
    (code, Json(status)).into_response()
}

/// A gateway's life: it takes its log up, records, and ends in order.
async fn lived(cluster: &Cluster, folder: &Path, records: usize) {
    let log = Log::open(folder, Settings::new("test")).await.unwrap();
    let keeping = anchor::keep(cluster.client(), "prepl-system", "prepl-gateway-0", log.tail());
    let recording = async {
        for _ in 0..records {
            let _ = log.append(record()).await.unwrap();
        }
        log.close().await.unwrap();
    };
    tokio::join!(keeping, recording);
}

fn record() -> AttachClosed {
    AttachClosed::new(RequestId::from_random([7; 16]), 1, 2, &Reason::new("it was closed"))
}

#[tokio::test]
async fn the_controller_knows_the_end_of_a_log_that_was_closed() {
    let (cluster, notary) = Cluster::new();
    let folder = tempfile::tempdir().unwrap();
    lived(&cluster, folder.path(), 3).await;
    let object = cluster.object();
    let whole = cluster.verified(folder.path());
    let last = whole.intact_to.unwrap();
    assert_eq!(whole.fault, None);
    assert_eq!(whole.checkpoints, 1);
    assert_eq!(object.metadata.name, Some(last.chain.to_string()));
    assert_eq!(object.spec.pod, "prepl-gateway-0");
    assert_eq!(object.status.unwrap().checkpoints[0].checkpoint.seq, last.seq);
    assert!(notary.metrics.metrics().contains("prepl_audit_checkpoints_total 1"));
}

#[tokio::test]
async fn the_next_life_of_a_gateway_goes_on_with_the_object() {
    let (cluster, _notary) = Cluster::new();
    let folder = tempfile::tempdir().unwrap();
    lived(&cluster, folder.path(), 1).await;
    let first = cluster.object();
    lived(&cluster, folder.path(), 1).await;
    let second = cluster.object();
    assert_eq!(second.metadata.name, first.metadata.name);
    assert!(second.spec.head.seq > first.spec.head.seq);
    assert_eq!(cluster.verified(folder.path()).checkpoints, 2);
}

#[tokio::test]
async fn a_log_whose_end_was_cut_is_found_and_its_end_never_signed() {
    let (cluster, notary) = Cluster::new();
    let folder = tempfile::tempdir().unwrap();
    lived(&cluster, folder.path(), 5).await;
    let signed = cluster.lines();
    cut(folder.path(), 4);
    let fault = cluster.verified(folder.path()).fault.unwrap();
    assert!(matches!(fault.kind, FaultKind::CutTail { .. }), "{fault}");

    // The gateway takes up what is left, and tells its end.
    lived(&cluster, folder.path(), 0).await;
    let status = cluster.object().status.unwrap();
    assert_eq!(cluster.lines(), signed);
    assert_eq!(status.conditions[0].status, "True");
    assert!(notary.metrics.metrics().contains("prepl_audit_regressed_total 1"));
    let events: Vec<_> = cluster.0.lock().unwrap().events.drain(..).collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].involved_object.name, cluster.object().metadata.name);
}

/// Takes the last lines of the log's one file away.
fn cut(folder: &Path, lines: usize) {
    let file = folder.join("audit-00000000000000000000.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&file, all[..all.len() - lines].concat()).unwrap();
}

#[tokio::test]
async fn what_changed_meanwhile_is_neither_signed_nor_counted() {
    let (cluster, notary) = Cluster::new();
    let folder = tempfile::tempdir().unwrap();
    lived(&cluster, folder.path(), 1).await;
    let mut stale = cluster.object();
    stale.metadata.resource_version = Some("0".to_owned());
    stale.spec.head.seq += 1;
    let before = cluster.object();
    notary.attend(&stale).await.unwrap();
    assert_eq!(cluster.object(), before);
    assert!(notary.metrics.metrics().contains("prepl_audit_checkpoints_total 1"));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_signs_is_told_once_however_often_it_is_tried() {
    let cluster = Cluster::default();
    let chain = "00112233445566778899aabbccddeeff".parse().unwrap();
    let (log, tail) = watch::channel(Some(Tail { chain, seq: 7, hash: Digest::of("end") }));
    let keeping = anchor::keep(cluster.client(), "prepl-system", "prepl-gateway-0", tail);
    let keeping = tokio::spawn(keeping);
    time::sleep(Duration::from_secs(60)).await;
    drop(log);
    keeping.await.unwrap();
    assert_eq!(cluster.object().spec.head.seq, 7);
    assert_eq!(cluster.0.lock().unwrap().version, 1);
}

#[tokio::test]
async fn an_answer_is_about_the_end_that_was_told() {
    let (cluster, _notary) = Cluster::new();
    let folder = tempfile::tempdir().unwrap();
    lived(&cluster, folder.path(), 1).await;
    let object = cluster.object();
    let last = cluster.verified(folder.path()).intact_to.unwrap();
    let asked = Checkpoint::of(last, Moment::from_millis(1));
    assert!(matches!(answer(&object, &asked), Answer::Signed(_)));
    let later = Checkpoint { seq: asked.seq + 1, ..asked };
    assert_eq!(answer(&object, &later), Answer::NotYet);
    let earlier = Checkpoint { seq: asked.seq - 1, ..asked };
    assert_eq!(answer(&object, &earlier), Answer::Contradicted);
    let other = Checkpoint { hash: Digest::of("other"), ..asked };
    assert_eq!(answer(&object, &other), Answer::Contradicted);
}
