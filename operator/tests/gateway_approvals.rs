//! An access for one run is good for that run, and for nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{
    Expression, Labels, Limits, Origin, Patience, Replica, ReplicaId, Selection, Workload,
};
use prepl_crd::AccessRequest;
use prepl_gateway::Plan;
use prepl_operator::gateway::access::{Caller, Scope};
use prepl_operator::gateway::purpose::{NotThatRun, Purpose, judged, no_tunnel, started};
use prepl_operator::gateway::service::Start;
use prepl_policy::{Grounds, Request};
use serde_json::{Value, json};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// A run of mira over two pods.
fn request(change: impl FnOnce(&mut Value)) -> AccessRequest {
    let replica = |uid: &str| json!({"namespace": "shop", "name": uid, "uid": uid, "workload": "deployment/api"});
    let mut request = json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
        "metadata": {"name": "prepl-1", "namespace": "shop", "uid": "r1"},
        "spec": {
            "user": {"username": "mira"}, "csr": "", "mode": "Eval", "reason": "stale", "ticket": "INC-7",
            "run": {"requestId": ID, "expression": "(f)", "session": "fix", "namespace": "shop.core",
                "replicas": [replica("u1"), replica("u2")]},
        },
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn caller(request: &AccessRequest) -> Caller {
    let access = prepl_audit::AccessRef {
        namespace: "shop".into(),
        name: "prepl-1".into(),
        uid: "r1".into(),
    };
    Caller {
        user: request.spec.user.clone(),
        mode: request.spec.mode,
        scope: Scope::Namespace("shop".into()),
        access,
        purpose: Purpose::of(request),
    }
}

fn start() -> Start {
    Start {
        uids: ["u1", "u2"].map(Arc::from).into(),
        plan: Plan {
            run: "7Q4K2ABC".parse().unwrap(),
            request: ID.parse().unwrap(),
            recall: false,
            read_only: false,
            interactive: false,
            expression: Expression::new("(f)").unwrap(),
            origin: Origin::Typed,
            session: "fix".parse().ok(),
            namespace: Some("shop.core".into()),
            limits: Limits::default(),
            patience: Patience { connect: Duration::from_secs(1), deadline: None },
            width: NonZeroUsize::MIN,
            barrier: false,
        },
        grounds: Grounds::new("stale", "INC-7").unwrap(),
        signed: None,
    }
}

fn there(uids: &[Arc<str>]) -> Selection {
    let replica = |uid: &Arc<str>| Replica {
        id: ReplicaId { namespace: "shop".into(), name: Arc::clone(uid), uid: Arc::clone(uid) },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: Labels::default(),
        node: "".into(),
        zone: "".into(),
        version: "".into(),
        container: "".into(),
        address: "".into(),
    };
    Selection::of(uids.iter().map(replica).collect())
}

/// What is said to another start; all that it names is there.
fn other(change: impl FnOnce(&mut Start)) -> Result<(), NotThatRun> {
    let mut other = start();
    change(&mut other);
    started(&caller(&request(|_| {})), &other, &there(&other.uids))
}

#[test]
fn the_very_run_may_start() {
    assert_eq!(other(|_| {}), Ok(()));
    assert_eq!(other(|one| one.uids.reverse()), Ok(()));
}

#[test]
fn every_other_run_has_its_own_reason() {
    let others = [
        (NotThatRun::OtherRequest, other(|one| one.plan.request = "f".repeat(32).parse().unwrap())),
        (
            NotThatRun::OtherExpression,
            other(|one| one.plan.expression = Expression::new("(f) ").unwrap()),
        ),
        (
            NotThatRun::OtherFile,
            other(|one| one.plan.origin = Origin::at("a.clj".parse().unwrap(), 1, 1)),
        ),
        (NotThatRun::OtherSession, other(|one| one.plan.session = None)),
        (NotThatRun::OtherSession, other(|one| one.plan.namespace = None)),
        (NotThatRun::OtherReadOnly, other(|one| one.plan.read_only = true)),
        (NotThatRun::Interactive, other(|one| one.plan.interactive = true)),
        (NotThatRun::OtherGrounds, other(|one| one.grounds = Grounds::default())),
        (NotThatRun::OtherReplicas, other(|one| one.uids[1] = "u3".into())),
        (NotThatRun::OtherReplicas, other(|one| drop(one.uids.pop()))),
        (NotThatRun::OtherReplicas, other(|one| one.uids.push("u3".into()))),
        (NotThatRun::OtherReplicas, other(|one| one.uids.push("u1".into()))),
    ];
    let mut words: Vec<String> = Vec::new();
    for (expected, told) in others {
        words.push(expected.to_string());
        assert_eq!(told, Err(expected));
    }
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 8, "two reasons in the same words: {words:?}");
}

#[test]
fn a_file_runs_as_it_was_approved() {
    let file = || "shop/core.clj".parse().unwrap();
    let (whole, at) = (Origin::File(file()), Origin::at(file(), 3, 7));
    let asked = |file| request(|one| one["spec"]["run"]["file"] = file);
    let whole_one = asked(json!({"name": "shop/core.clj"}));
    let at_one = asked(json!({"name": "shop/core.clj", "at": {"line": 3, "column": 7}}));
    let bad_one = asked(json!({"name": "a\nb"}));
    let told = |request: &AccessRequest, origin: &Origin| {
        let mut start = start();
        start.plan.origin = origin.clone();
        started(&caller(request), &start, &there(&start.uids))
    };
    let (good, other) = (Ok(()), Err(NotThatRun::OtherFile));
    let cases = [
        (&whole_one, [&other, &other, &good]),
        (&at_one, [&other, &good, &other]),
        (&bad_one, [&other, &other, &other]),
    ];
    for (request, expected) in cases {
        let origins = [&Origin::Typed, &at, &whole];
        let told = origins.map(|origin| told(request, origin));
        assert_eq!(told.each_ref(), expected);
    }
}

#[test]
fn a_replica_set_that_has_changed_is_not_the_one_that_was_approved() {
    let caller = caller(&request(|_| {}));
    let one_left = there(&start().uids[..1]);
    let changed = NotThatRun::Changed { gone: 1, all: 2 };
    assert_eq!(started(&caller, &start(), &one_left), Err(changed.clone()));
    assert!(changed.to_string().contains("1 of the 2 replicas of this run are gone"));
}

#[test]
fn a_run_whose_replicas_are_named_otherwise_than_they_are_does_not_start() {
    let caller = caller(&request(|_| {}));
    for change in [
        (|one: &mut Replica| one.id.name = "staging-1".into()) as fn(&mut Replica),
        |one| one.id.namespace = "staging".into(),
        |one| one.workload.name = "staging".into(),
    ] {
        let mut live = there(&start().uids).replicas().to_vec();
        change(&mut live[0]);
        let told = started(&caller, &start(), &Selection::of(live));
        assert!(matches!(told, Err(NotThatRun::OtherNames(_))), "{told:?}");
    }
}

#[test]
fn a_run_over_all_namespaces_cannot_be_approved() {
    let caller = Caller { scope: Scope::All, ..caller(&request(|_| {})) };
    let told = started(&caller, &start(), &there(&start().uids));
    assert_eq!(told, Err(NotThatRun::Everywhere));
}

#[test]
fn break_glass_is_of_one_namespace() {
    let lasting = Duration::from_secs(90);
    let ordinary = caller(&request(|_| {}));
    let glass = Caller { purpose: Purpose::BreakGlass { lasting }, ..ordinary };
    assert_eq!(started(&glass, &start(), &there(&start().uids)), Ok(()));
    let everywhere = Caller { scope: Scope::All, ..glass };
    let told = started(&everywhere, &start(), &there(&start().uids));
    assert_eq!(told, Err(NotThatRun::Everywhere));
    assert_eq!(no_tunnel(&everywhere), Err(NotThatRun::Everywhere));
}

#[test]
fn answers_are_recalled_with_the_grounds_that_were_approved() {
    let mut recall = start();
    recall.plan.recall = true;
    recall.grounds = Grounds::default();
    let told = started(&caller(&request(|_| {})), &recall, &there(&recall.uids));
    assert_eq!(told, Err(NotThatRun::OtherGrounds));
}

#[test]
fn answers_may_be_recalled_of_what_is_left() {
    let caller = caller(&request(|_| {}));
    let recall = |uids: &[&str]| {
        let mut recall = start();
        recall.plan.recall = true;
        recall.uids = uids.iter().map(|uid| Arc::from(*uid)).collect();
        started(&caller, &recall, &there(&[]))
    };
    assert_eq!(recall(&["u2"]), Ok(()));
    assert_eq!(recall(&["u2", "u3"]), Err(NotThatRun::OtherReplicas));
}

#[test]
fn what_is_only_judged_is_that_run_too() {
    let caller = caller(&request(|_| {}));
    let asked = |text: &str, uids: &[&str], live: fn(&[Arc<str>]) -> Selection| {
        let request = Request {
            mode: prepl_policy::Mode::Eval,
            limits: Limits::default(),
            expression: Expression::new(text).ok(),
            read_only: false,
            grounds: Grounds::new("stale", "INC-7").unwrap(),
        };
        let uids: Vec<Arc<str>> = uids.iter().map(|uid| Arc::from(*uid)).collect();
        judged(&caller, &uids, &request, &live(&uids))
    };
    assert_eq!(asked("(f)", &["u1", "u2"], there), Ok(()));
    assert_eq!(asked("(g)", &["u1", "u2"], there), Err(NotThatRun::OtherExpression));
    assert_eq!(asked("", &["u1", "u2"], there), Err(NotThatRun::OtherExpression));
    assert_eq!(asked("(f)", &["u1"], there), Err(NotThatRun::OtherReplicas));
    let elsewhere = |uids: &[Arc<str>]| {
        let mut live = there(uids).replicas().to_vec();
        live[0].id.name = "staging-1".into();
        Selection::of(live)
    };
    let told = asked("(f)", &["u1", "u2"], elsewhere);
    assert!(matches!(told, Err(NotThatRun::OtherNames(_))), "{told:?}");
}

#[test]
fn an_access_for_one_run_opens_no_tunnel_and_an_ordinary_one_is_not_asked() {
    assert_eq!(no_tunnel(&caller(&request(|_| {}))), Err(NotThatRun::Tunnel));
    let ordinary = request(|one| one["spec"]["run"] = Value::Null);
    let ordinary = caller(&ordinary);
    assert_eq!(ordinary.purpose, Purpose::Any);
    assert_eq!(no_tunnel(&ordinary), Ok(()));
    assert_eq!(started(&ordinary, &start(), &there(&[])), Ok(()));
}

#[test]
fn break_glass_lasts_as_long_as_its_access() {
    let glass = request(|one| {
        one["spec"]["run"] = Value::Null;
        one["spec"]["breakGlass"] = json!(true);
        one["spec"]["ttlSeconds"] = json!(90);
    });
    let purpose = Purpose::of(&glass);
    assert_eq!(purpose, Purpose::BreakGlass { lasting: Duration::from_secs(90) });
    assert!(purpose.breaks_glass() && !Purpose::Any.breaks_glass());
}
