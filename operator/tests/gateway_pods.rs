//! A running pod with a sidecar is a replica; every other is none.

#![expect(clippy::unwrap_used, reason = "a pod that cannot be read is a failed test")]

use k8s_openapi::api::core::v1::Pod;
use prepl_core::Replica;
use prepl_core::Workload;
use prepl_operator::gateway::pods::{self, Above};
use serde_json::{Value, json};

fn pod() -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": "api-1", "uid": "u1",
            "labels": {"app": "api", "prepl.dev/injected": "true"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-7d",
                "uid": "r", "controller": true}],
        },
        "spec": {
            "nodeName": "n1",
            "initContainers": [{"name": "prepl"}],
            "containers": [{"name": "app", "image": "registry:5000/api:1.4@sha256:ab"}],
        },
        "status": {"phase": "Running", "podIP": "fd00::7"},
    })
}

fn deployment() -> Workload {
    Workload { kind: "deployment".into(), name: "api".into() }
}

fn seen(pod: Value) -> Option<Replica> {
    let pod: Pod = serde_json::from_value(pod).unwrap();
    pods::replica(
        &pod,
        |set| match set {
            "api-7d" => Above::Workload(deployment()),
            "made-by-hand" => Above::Nothing,
            _ => Above::NotKnown,
        },
        |node| (node == "n1").then(|| "z1".to_owned()),
    )
}

#[test]
fn a_running_pod_with_a_sidecar_is_a_replica_of_its_deployment() {
    let replica = seen(pod()).unwrap();
    assert_eq!(replica.workload.to_string(), "deployment/api");
    assert_eq!((&*replica.version, &*replica.zone, &*replica.node), ("1.4", "z1", "n1"));
    assert_eq!(&*replica.address, "[fd00::7]:7070");
}

#[test]
fn a_pod_that_cannot_be_asked_is_no_replica() {
    let changes = [
        ("/metadata/labels/prepl.dev~1injected", json!("false")),
        ("/metadata/uid", Value::Null),
        ("/spec/initContainers", json!([])),
        (
            "/spec",
            json!({"containers": [], "hostNetwork": true, "initContainers": [{"name": "prepl"}]}),
        ),
        ("/status/phase", json!("Pending")),
        ("/status/podIP", json!("not an address")),
    ];
    for (path, value) in changes {
        let mut pod = pod();
        *pod.pointer_mut(path).unwrap() = value;
        assert_eq!(seen(pod), None, "{path}");
    }
}

#[test]
fn the_repls_container_is_the_first_unless_the_pod_names_another() {
    let mut pod = pod();
    let proxy = json!({"name": "proxy", "image": "proxy:9"});
    pod["spec"]["containers"].as_array_mut().unwrap().insert(0, proxy);
    let first = seen(pod.clone()).unwrap();
    assert_eq!((&*first.container, &*first.version), ("proxy", "9"));
    pod["metadata"]["annotations"] = json!({"prepl.dev/container": "app"});
    let named = seen(pod).unwrap();
    assert_eq!((&*named.container, &*named.version), ("app", "1.4"));
}

#[test]
fn a_pod_that_nobody_owns_is_its_own_workload() {
    let mut pod = pod();
    pod["metadata"]["ownerReferences"] = json!([]);
    assert_eq!(seen(pod).unwrap().workload.to_string(), "pod/api-1");
}

#[test]
fn a_pod_whose_owner_is_not_known_yet_cannot_be_asked() {
    let owned_by = |name: &str| {
        let mut pod = pod();
        pod["metadata"]["ownerReferences"][0]["name"] = json!(name);
        seen(pod)
    };
    assert_eq!(owned_by("api-8e"), None);
    let by_hand = owned_by("made-by-hand").unwrap();
    assert_eq!(by_hand.workload.to_string(), "replicaset/made-by-hand");
}

#[test]
fn a_replica_set_tells_what_owns_it() {
    let set = json!({"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment",
        "name": "api", "uid": "d", "controller": true}]});
    assert_eq!(pods::above(&serde_json::from_value(set).unwrap()), Above::Workload(deployment()));
    assert_eq!(pods::above(&serde_json::from_value(json!({})).unwrap()), Above::Nothing);
}
