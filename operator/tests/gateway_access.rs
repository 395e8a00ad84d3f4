//! Which access requests a gateway lets be used, and what it asks about their users.

#![expect(clippy::unwrap_used, reason = "an object that cannot be read is a failed test")]

use k8s_openapi::jiff::Timestamp;
use prepl_audit::AccessRef;
use prepl_core::{Class, Event, ReplicaIndex, Report};
use prepl_crd::{AccessRequest, Mode, UserInfo};
use prepl_operator::gateway::access::{Accesses, Caller, Refused, Scope, check};
use prepl_operator::gateway::conduct::gone;
use prepl_operator::gateway::purpose::Purpose;
use prepl_operator::gateway::rights::{enough, review};
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:00:00Z";

fn request(change: impl FnOnce(&mut Value)) -> AccessRequest {
    let mut request = json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
        "metadata": {"name": "prepl-1", "namespace": "shop", "uid": "u1"},
        "spec": {"user": {"username": "mira"}, "csr": "", "mode": "Eval"},
        "status": {"phase": "Active", "notAfter": "2026-01-01T00:00:01Z"},
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn checked(found: Option<&AccessRequest>) -> Result<(), Refused> {
    check(found, "u1", NOW.parse::<Timestamp>().unwrap())
}

#[test]
fn an_active_request_of_that_uid_can_be_used() {
    assert_eq!(checked(Some(&request(|_| {}))), Ok(()));
}

#[test]
fn every_other_is_denied() {
    let phase = |phase: &'static str| move |one: &mut Value| one["status"]["phase"] = json!(phase);
    let others = [
        request(phase("Denied")),
        request(phase("Pending")),
        request(phase("Expired")),
        request(|one| one["status"] = Value::Null),
        request(|one| one["status"]["notAfter"] = json!(NOW)),
        request(|one| one["status"]["notAfter"] = Value::Null),
        request(|one| one["metadata"]["uid"] = json!("u2")),
        request(|one| one["metadata"]["uid"] = Value::Null),
        request(|one| one["metadata"]["deletionTimestamp"] = json!(NOW)),
    ];
    for other in &others {
        assert!(matches!(checked(Some(other)), Err(Refused::Denied(_))), "{other:?}");
    }
    assert!(matches!(checked(None), Err(Refused::Denied(_))));
}

#[test]
fn one_that_somebody_denied_tells_who() {
    let denied = request(|one| {
        one["status"]["phase"] = json!("Denied");
        one["status"]["conditions"] = json!([{
            "type": "Ready", "status": "False", "reason": "Denied", "message": "otto denied it",
            "lastTransitionTime": NOW,
        }]);
    });
    let told = Refused::Denied("the access is denied: otto denied it".into());
    assert_eq!(checked(Some(&denied)), Err(told));
}

#[test]
fn an_access_to_look_is_none_to_evaluate() {
    let access = AccessRef { namespace: "shop".into(), name: "prepl-1".into(), uid: "u1".into() };
    let caller = |mode| Caller {
        user: UserInfo::default(),
        mode,
        scope: Scope::All,
        access: access.clone(),
        purpose: Purpose::Any,
    };
    assert!(enough(&caller(Mode::Eval), Mode::Inspect).is_ok());
    assert!(enough(&caller(Mode::Inspect), Mode::Inspect).is_ok());
    assert!(enough(&caller(Mode::Inspect), Mode::Eval).is_err());
}

#[test]
fn a_scope_reaches_its_own_namespace_alone() {
    let shop = Scope::Namespace("shop".into());
    assert!(shop.reaches("shop") && !shop.reaches("shop2") && Scope::All.reaches("shop2"));
}

#[test]
fn the_review_is_about_the_whole_user_and_one_workload() {
    let user = UserInfo {
        username: "mira".into(),
        uid: String::new(),
        groups: vec!["dev".into()],
        extra: [("scopes".to_owned(), vec!["a".to_owned()])].into(),
    };
    let spec = review(&user, Mode::Eval, "shop", Some("api")).spec;
    assert_eq!((spec.user.as_deref(), spec.uid), (Some("mira"), None));
    assert_eq!(spec.groups, Some(vec!["dev".to_owned()]));
    assert_eq!(spec.extra, Some(user.extra.clone()));
    let asked = spec.resource_attributes.unwrap();
    let words =
        [asked.group, asked.resource, asked.subresource, asked.verb, asked.namespace, asked.name];
    let words = words.map(Option::unwrap_or_default);
    assert_eq!(words, ["prepl.dev", "workloads", "eval", "create", "shop", "api"]);
}

#[test]
fn a_pod_that_is_gone_did_not_start_unless_its_answer_is_to_be_recalled() {
    let class = |recall| match gone(vec![ReplicaIndex(3)], recall).remove(0) {
        Report::Replica { replica, event: Event::Done(done), .. } => {
            assert_eq!(replica, ReplicaIndex(3));
            done.outcome.class()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!((class(false), class(true)), (Class::NotStarted, Class::Unknown));
}

#[tokio::test(start_paused = true)]
async fn while_the_api_server_is_silent_a_run_goes_on_for_ten_seconds() {
    let begun = tokio::time::Instant::now();
    let silent = || std::future::ready(Err(Refused::NoAnswer));
    assert_eq!(Accesses::until_denied(silent).await, Refused::NoAnswer);
    assert_eq!(begun.elapsed().as_secs(), 10);
}
