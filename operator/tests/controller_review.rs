//! What becomes of an access request by what others say to it, and of a use of break-glass.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use k8s_openapi::jiff::Timestamp;
use prepl_crd::{AccessApproval, AccessRequest, Decision, UserInfo};
use prepl_operator::controller::access::{Step, next_step};
use prepl_operator::controller::review::{Said, debt, is_talked_about};
use serde_json::{Value, json};

/// A break-glass access of mira, of 60 seconds, with its debt.
fn glass(change: impl FnOnce(&mut Value)) -> AccessRequest {
    let mut request = json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
        "metadata": {"name": "prepl-1", "namespace": "shop", "uid": "r1",
            "creationTimestamp": at(0).to_string(), "finalizers": ["prepl.dev/review"]},
        "spec": {"user": {"username": "mira", "uid": "u-mira"}, "csr": "", "mode": "Eval",
            "ttlSeconds": 60, "breakGlass": true, "reason": "outage", "ticket": "INC-7"},
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn with(phase: &'static str) -> impl FnOnce(&mut Value) {
    move |one| {
        one["status"] = json!({"phase": phase, "conditions": [{
            "type": "Ready", "status": "False", "reason": "r", "message": "m",
            "lastTransitionTime": at(61).to_string(),
        }]});
    }
}

fn owing_nothing(one: &mut Value) {
    one["metadata"]["finalizers"] = Value::Null;
}

fn deleted(one: &mut Value) {
    with("Active")(one);
    one["metadata"]["deletionTimestamp"] = json!(at(20).to_string());
}

fn at(after: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + after).unwrap()
}

fn says(name: &str, decision: Decision, uid: &str, after: i64) -> AccessApproval {
    let approver = UserInfo { username: name.into(), ..UserInfo::default() };
    let mut says = AccessApproval::new("a", glass(|_| {}).approval(approver, decision));
    says.spec.request.uid = uid.into();
    says.metadata.creation_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(after)));
    says
}

fn denied() -> Said {
    Said { denied_by: Some("otto".into()), reviewed_by: None }
}

fn reviewed() -> Said {
    Said { denied_by: None, reviewed_by: Some("otto".into()) }
}

#[test]
fn break_glass_is_not_granted_before_its_debt_is_written_down() {
    let nothing = Said::default();
    assert_eq!(next_step(&glass(owing_nothing), &nothing, at(1)), Step::Owe);
    assert_eq!(next_step(&glass(|_| {}), &nothing, at(1)), Step::Sign(at(60)));
    let ordinary = glass(|one| {
        owing_nothing(one);
        one["spec"]["breakGlass"] = json!(false);
    });
    assert_eq!(next_step(&ordinary, &nothing, at(1)), Step::Sign(at(60)));
    assert!(!is_talked_about(&ordinary) && is_talked_about(&glass(owing_nothing)));
}

#[test]
fn a_denial_ends_it_whatever_else_is_said() {
    for phase in ["Pending", "Active"] {
        let step = next_step(&glass(with(phase)), &denied(), at(1));
        assert_eq!(step, Step::Deny("otto".into()));
    }
    let step = next_step(&glass(owing_nothing), &denied(), at(1));
    assert_eq!(step, Step::Deny("otto".into()));
    // It is written down, so that it holds when the denial is deleted.
    let step = next_step(&glass(with("Denied")), &Said::default(), at(10));
    assert_eq!(step, Step::Wait(350));
}

#[test]
fn what_nobody_looked_at_is_not_removed() {
    let nothing = Said::default();
    assert_eq!(next_step(&glass(with("Expired")), &nothing, at(400)), Step::Rest);
    assert_eq!(next_step(&glass(deleted), &nothing, at(30)), Step::Rest);
    assert_eq!(next_step(&glass(with("Expired")), &reviewed(), at(400)), Step::Release);
    assert_eq!(next_step(&glass(deleted), &reviewed(), at(30)), Step::Release);
    let released = glass(|one| {
        with("Expired")(one);
        owing_nothing(one);
    });
    assert_eq!(next_step(&released, &reviewed(), at(400)), Step::Delete);
}

#[test]
fn a_review_is_of_this_request_after_its_end_and_by_somebody_else() {
    let to = |request: &AccessRequest, one| Said::to(request, &[one], at(500)).reviewed_by;
    let over = glass(with("Expired"));
    let review = |name, uid, after| says(name, Decision::Review, uid, after);
    assert_eq!(to(&over, review("otto", "r1", 61)).as_deref(), Some("otto"));
    assert_eq!(to(&over, review("otto", "r1", 60)), None);
    assert_eq!(to(&over, review("otto", "r0", 99)), None);
    assert_eq!(to(&over, review("mira", "r1", 99)), None);
    assert_eq!(to(&over, review("system:serviceaccount:ci:bot", "r1", 99)), None);
    assert_eq!(to(&over, says("otto", Decision::Approve, "r1", 99)), None);
    assert_eq!(to(&glass(with("Active")), review("otto", "r1", 99)), None);
    assert_eq!(to(&glass(deleted), review("otto", "r1", 20)).as_deref(), Some("otto"));
    let mut another = review("not-mira", "r1", 99);
    another.spec.approver.uid = "u-mira".into();
    assert_eq!(to(&over, another), None);
}

#[test]
fn the_debt_comes_and_goes_alone_and_over_the_version_that_was_seen() {
    let with = |finalizers: Value| {
        glass(|one| {
            one["metadata"]["resourceVersion"] = json!("7");
            one["metadata"]["finalizers"] = finalizers;
        })
    };
    let written = |finalizers: Value| json!({"metadata": {"uid": "r1", "resourceVersion": "7", "finalizers": finalizers}});
    let others = json!(["shop/backup"]);
    let both = json!(["shop/backup", "prepl.dev/review"]);
    assert_eq!(debt(&with(others.clone()), true), written(both.clone()));
    assert_eq!(debt(&with(both.clone()), true), written(both.clone()));
    assert_eq!(debt(&with(both), false), written(others));
    assert_eq!(debt(&with(json!(["prepl.dev/review"])), false), written(json!([])));
}

#[test]
fn a_denial_is_of_this_request() {
    let to = |one| Said::to(&glass(|_| {}), &[one], at(500)).denied_by;
    assert_eq!(to(says("otto", Decision::Deny, "r1", 1)).as_deref(), Some("otto"));
    assert_eq!(to(says("otto", Decision::Deny, "r0", 1)), None);
}
