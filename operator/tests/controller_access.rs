//! What becomes of an access request as time goes by.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use prepl_crd::{AccessRequest, AccessRequestSpec, AccessRequestStatus, Mode, Phase, UserInfo};
use prepl_operator::controller::access::{Step, is_vouched, next_step};
use prepl_operator::controller::review::Said;

const CREATED: i64 = 1_800_000_000;

/// What is done `after` seconds with a request of 60 seconds.
fn step(phase: Option<Phase>, after: i64) -> Step {
    let mut request = AccessRequest::new("prepl-1", spec());
    request.metadata.creation_timestamp = Some(Time(at(0)));
    request.status = Some(AccessRequestStatus { phase, ..AccessRequestStatus::default() });
    next_step(&request, &Said::default(), at(after))
}

fn spec() -> AccessRequestSpec {
    AccessRequestSpec {
        user: UserInfo { username: "mira".into(), ..UserInfo::default() },
        csr: String::new(),
        mode: Mode::Eval,
        ttl_seconds: 60,
        reason: None,
        ticket: None,
        break_glass: false,
        run: None,
    }
}

fn at(after: i64) -> Timestamp {
    Timestamp::from_second(CREATED + after).unwrap()
}

#[test]
fn a_new_request_is_signed_until_its_time_since_creation_is_over() {
    assert_eq!(step(None, 0), Step::Sign(at(60)));
    assert_eq!(step(Some(Phase::Pending), 59), Step::Sign(at(60)));
}

#[test]
fn a_request_that_was_found_too_late_is_never_signed() {
    assert_eq!(step(None, 60), Step::Expire);
    assert_eq!(step(Some(Phase::Pending), 1_000_000), Step::Expire);
}

#[test]
fn an_active_request_is_left_alone_until_it_expires() {
    assert_eq!(step(Some(Phase::Active), 20), Step::Wait(40));
    assert_eq!(step(Some(Phase::Active), 60), Step::Expire);
}

#[test]
fn an_ended_request_is_removed_after_five_minutes() {
    for phase in [Phase::Expired, Phase::Denied] {
        assert_eq!(step(Some(phase), 60), Step::Wait(300));
        assert_eq!(step(Some(phase), 359), Step::Wait(1));
        assert_eq!(step(Some(phase), 360), Step::Delete);
    }
}

#[test]
fn only_a_request_made_after_the_policy_was_seen_to_hold_is_believed() {
    let mut request = AccessRequest::new("prepl-1", spec());
    assert!(!is_vouched(&request, at(0)));
    request.metadata.creation_timestamp = Some(Time(at(10)));
    assert!(is_vouched(&request, at(9)));
    assert!(!is_vouched(&request, at(10)));
    assert!(!is_vouched(&request, at(11)));
}
