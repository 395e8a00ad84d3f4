//! Whom a token makes known, and which pods get a certificate.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use k8s_openapi::api::authentication::v1::TokenReviewStatus;
use k8s_openapi::api::core::v1::Pod;
use prepl_operator::controller::enrolment::{PodIdentity, Refused, check_sidecar};
use serde_json::{Value, json};

fn review(change: impl FnOnce(&mut Value)) -> TokenReviewStatus {
    let mut status = json!({
        "authenticated": true,
        "audiences": ["prepl"],
        "user": {
            "username": "system:serviceaccount:shop:api",
            "extra": {
                "authentication.kubernetes.io/pod-name": ["api-1"],
                "authentication.kubernetes.io/pod-uid": ["uid-1"],
            },
        },
    });
    change(&mut status);
    serde_json::from_value(status).unwrap()
}

fn pod(uid: &str, phase: &str, injected: &str) -> Pod {
    let pod = json!({
        "metadata": {"uid": uid, "labels": {"prepl.dev/injected": injected}},
        "status": {"phase": phase},
    });
    serde_json::from_value(pod).unwrap()
}

#[test]
fn a_token_names_its_pod() {
    let identity = PodIdentity::of(&review(|_| {})).unwrap();
    assert_eq!((identity.namespace.as_str(), identity.service_account.as_str()), ("shop", "api"));
    assert_eq!((identity.name.as_str(), identity.uid.as_str()), ("api-1", "uid-1"));
}

#[test]
fn a_token_that_is_not_accepted_or_for_others_names_nobody() {
    let refused = |change: fn(&mut Value)| PodIdentity::of(&review(change)).unwrap_err();
    assert!(matches!(refused(|s| s["authenticated"] = json!(false)), Refused::Token));
    assert!(matches!(refused(|s| s["audiences"] = json!(["api"])), Refused::Token));
    assert!(matches!(refused(|s| s["audiences"] = json!([])), Refused::Token));
    assert!(matches!(refused(|s| s["user"]["extra"] = json!({})), Refused::NoPod));
    assert!(matches!(refused(|s| s["user"]["username"] = json!("mira")), Refused::NoPod));
}

#[test]
fn only_the_live_injected_pod_of_that_uid_is_a_sidecar() {
    let identity = PodIdentity::of(&review(|_| {})).unwrap();
    let check = |pod: Option<Pod>| check_sidecar(&identity, pod.as_ref());
    assert!(check(Some(pod("uid-1", "Pending", "true"))).is_ok());
    assert!(check(Some(pod("uid-1", "Running", "true"))).is_ok());
    assert!(matches!(check(None), Err(Refused::PodGone)));
    assert!(matches!(check(Some(pod("uid-2", "Running", "true"))), Err(Refused::PodGone)));
    assert!(matches!(check(Some(pod("uid-1", "Failed", "true"))), Err(Refused::PodGone)));
    assert!(matches!(check(Some(pod("uid-1", "Running", "no"))), Err(Refused::NotInjected)));
}
