//! Policies as the API server tells them: read, and what cannot be read denies.

#![expect(clippy::unwrap_used, reason = "an object that cannot be made is a failed test")]

use kube::core::DeserializeGuard;
use prepl_core::{Expression, Labels, Limits, Replica, ReplicaId, Selection, Workload};
use prepl_crd::{ClusterReplPolicy, ReplPolicy};
use prepl_gateway::Scripts;
use prepl_operator::gateway::policies::{everywhere, namespaced};
use prepl_policy::{Grounds, Known, Mode, Permit, Policy, Request, Verdict, decide, judge};
use serde_json::{Value, json};

fn near(spec: Value) -> Policy {
    let object = json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "ReplPolicy",
        "metadata": {"name": "limits", "namespace": "shop"}, "spec": spec,
    });
    namespaced(&serde_json::from_value::<DeserializeGuard<ReplPolicy>>(object).unwrap())
}

fn far(spec: Value) -> Policy {
    let object = json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "ClusterReplPolicy",
        "metadata": {"name": "limits"}, "spec": spec,
    });
    everywhere(&serde_json::from_value::<DeserializeGuard<ClusterReplPolicy>>(object).unwrap())
}

fn replica(namespace: &str) -> Replica {
    Replica {
        id: ReplicaId { namespace: namespace.into(), name: "api-1".into(), uid: "u1".into() },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: [("app", "api"), ("tier", "web")].into_iter().collect::<Labels>(),
        node: "".into(),
        zone: "".into(),
        version: "".into(),
        container: "".into(),
        address: "127.0.0.1:1".into(),
    }
}

fn judged(policy: Policy, namespace: &str, request: &Request) -> Result<Permit, String> {
    let permit = decide(&Selection::of(vec![replica(namespace)]), |_| Verdict::Allowed).unwrap();
    let known = Known { user: "mira".into(), ..Known::default() };
    let verdicts = judge(permit, request, &known, &[policy], &Scripts::new().judging());
    verdicts.permit().map_err(|denied| denied.to_string())
}

fn request(expression: &str) -> Request {
    Request {
        mode: Mode::Eval,
        limits: Limits::default(),
        expression: Some(Expression::new(expression).unwrap()),
        read_only: false,
        grounds: Grounds::new("why", "INC-1").unwrap(),
    }
}

#[test]
fn every_field_is_held() {
    let seconds = json!({"ceilings": {"evalSeconds": 5, "valueBytes": 10, "outputBytes": 20}});
    let permit = judged(near(seconds), "shop", &request("1")).unwrap();
    let ceiling = permit.ceiling();
    assert_eq!(
        (ceiling.time().as_secs(), ceiling.value_bytes(), ceiling.output_bytes()),
        (5, 10, 20)
    );
    for (spec, words) in [
        (json!({"ceilings": {"mode": "Inspect"}}), "at most inspect is allowed"),
        (json!({"ceilings": {"runsPerMinute": 1}}), ""),
        (json!({"ceilings": {"readOnly": true}}), "give --read-only"),
        (json!({"reason": {"required": true, "pattern": "^because"}}), "the reason must match"),
        (json!({"ticket": {"required": true, "pattern": "^CHG"}}), "the ticket must match"),
        (json!({"approvals": {"count": 1}}), "1 approval of another person is missing"),
        (json!({"approvals": {"count": 1, "modes": ["Attach"]}}), ""),
        (json!({"expressions": {"deny": [{"regex": "exit", "message": "no exits"}]}}), "no exits"),
        (
            json!({"expressions": {"deny": [{"rhai": "expression.contains(\"exit\")"}]}}),
            "not allowed",
        ),
        (json!({"breakGlass": {"allowed": true, "maxSeconds": 60}}), ""),
    ] {
        match judged(near(spec.clone()), "shop", &request("(exit)")) {
            Ok(_) => assert_eq!(words, "", "{spec}"),
            Err(told) => assert!(!words.is_empty() && told.contains(words), "{spec}: {told}"),
        }
    }
}

#[test]
fn a_selector_is_as_elsewhere_in_kubernetes() {
    let about = |selector: Value| {
        far(json!({"selector": selector, "ceilings": {"mode": "Inspect"}}))
            .selects(&replica("shop"))
    };
    let one = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    assert!(about(json!({})));
    assert!(about(json!({"matchLabels": {"app": "api", "tier": "web"}})));
    assert!(!about(json!({"matchLabels": {"app": "api", "tier": "db"}})));
    assert!(about(one("app", "In", &["x", "api"])) && !about(one("app", "NotIn", &["x", "api"])));
    assert!(about(one("app", "Exists", &[])) && !about(one("app", "DoesNotExist", &[])));
}

#[test]
fn what_cannot_be_read_denies_what_it_selects() {
    let bad = json!({"pattern": "("});
    let denied = |policy, namespace| judged(policy, namespace, &request("1")).err();
    let told = denied(near(json!({"reason": bad})), "shop").unwrap();
    assert!(
        told.starts_with("denied by ReplPolicy shop/limits, itself: it cannot be read"),
        "{told}"
    );
    assert!(denied(near(json!({"reason": bad})), "bank").is_none());
    let elsewhere = json!({"matchLabels": {"app": "web"}});
    assert!(denied(far(json!({"reason": bad, "selector": elsewhere})), "bank").is_none());
    let told = denied(far(json!({"reason": bad})), "bank").unwrap();
    assert!(told.starts_with("denied by ClusterReplPolicy limits, itself"), "{told}");
}

#[test]
fn an_object_of_another_shape_or_a_selector_of_another_kind_denies_its_scope() {
    for spec in [
        json!({"ceilings": {"replicas": "many"}}),
        json!({"ceilings": {"mode": "Root"}}),
        json!(7),
        json!({"selector": {"matchLabels": {"app": "x,tier notin (web)"}}}),
        json!({"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}}),
        json!({"selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}}),
    ] {
        assert!(judged(near(spec.clone()), "shop", &request("1")).is_err(), "{spec}");
        assert!(judged(near(spec.clone()), "bank", &request("1")).is_ok(), "{spec}");
        assert!(judged(far(spec.clone()), "bank", &request("1")).is_err(), "{spec}");
    }
}

#[test]
fn a_tunnel_is_judged_too() {
    let attach = json!({"ceilings": {"mode": "Attach", "evalSeconds": 5}});
    assert!(judged(near(attach), "shop", &Request::tunnel()).is_ok());
    for spec in [
        json!({"ceilings": {"mode": "Eval"}}),
        json!({"ceilings": {"evalSeconds": 5}}),
        json!({"reason": {"required": true}}),
        json!({"approvals": {"count": 1}}),
    ] {
        assert!(judged(near(spec.clone()), "shop", &Request::tunnel()).is_err(), "{spec}");
    }
}
