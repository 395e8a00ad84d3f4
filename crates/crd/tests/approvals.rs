//! An approval in the words of policies: of which run it is, and how old.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use prepl_core::Digest;
use prepl_core::membership::Members;
use prepl_crd::{AccessApproval, AccessRequest, Decision, UserInfo};
use serde_json::{Value, json};

fn request(change: impl FnOnce(&mut Value)) -> AccessRequest {
    let replica = |uid: &str| json!({"namespace": "shop", "name": uid, "uid": uid, "workload": "deployment/api"});
    let mut request = json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
        "metadata": {"name": "prepl-1", "namespace": "shop", "uid": "r1"},
        "spec": {"user": {"username": "mira"}, "csr": "", "mode": "Eval",
            "run": {"requestId": "0".repeat(32), "expression": "(f)", "replicas": [replica("u1"), replica("u2")]}},
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn approval(request: &AccessRequest, created: Option<Timestamp>) -> AccessApproval {
    let otto = UserInfo { username: "otto".into(), uid: "u-otto".into(), ..UserInfo::default() };
    let mut approval = AccessApproval::new("a", request.approval(otto, Decision::Approve));
    approval.metadata.creation_timestamp = created.map(Time);
    approval
}

#[test]
fn what_is_approved_is_the_run_that_is_asked_for() {
    let request = request(|_| {});
    let subject = request.subject().unwrap();
    let now = Timestamp::now();
    assert_eq!(approval(&request, Some(now)).said(now).subject, subject);
    assert_eq!(*subject.expression, Digest::of("(f)").to_string());
    assert_eq!(*subject.replicas, Members::of(["u1", "u2"]).root().to_string());
    let other = |change: fn(&mut Value)| self::request(change).subject().unwrap();
    assert_ne!(other(|one| one["spec"]["run"]["expression"] = "(g)".into()), subject);
    assert_ne!(other(|one| one["spec"]["run"]["replicas"][0]["uid"] = "u3".into()), subject);
    assert_ne!(other(|one| one["metadata"]["uid"] = "r2".into()), subject);
    assert!(self::request(|one| one["spec"]["run"] = Value::Null).subject().is_none());
}

#[test]
fn an_approval_is_as_old_as_the_api_server_says() {
    let (request, now) = (request(|_| {}), Timestamp::from_second(1_800_000_000).unwrap());
    let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).ok();
    let age = |created| approval(&request, created).said(now).age;
    assert_eq!(age(at(-90)), Duration::from_secs(90));
    assert_eq!(age(at(5)), Duration::ZERO, "the gateway's clock is behind");
    assert_eq!(age(None), Duration::MAX, "without a time it is never fresh");
}

#[test]
fn no_expression_reaches_a_log() {
    let request = request(|one| one["spec"]["run"]["expression"] = "(login \"hunter2\")".into());
    assert!(!format!("{request:?}").contains("hunter2"));
}
