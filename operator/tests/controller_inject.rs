//! Which pods get a sidecar, and what it looks like.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use k8s_openapi::api::core::v1::Pod;
use prepl_operator::controller::inject::{SidecarSettings, Skip, Verdict, judge};
use serde_json::{Value, json};

fn settings() -> SidecarSettings {
    SidecarSettings {
        image: "prepl/sidecar:1".into(),
        enrol: "10.0.0.9:7072".into(),
        authorities: "AUTHORITIES".into(),
        trust_domain: "prepl.cluster".into(),
        namespace: "prepl-system".into(),
        resources: serde_json::json!({}),
    }
}

/// A pod that asks properly, changed by `change`.
fn pod(change: impl FnOnce(&mut Value)) -> Pod {
    let mut pod = json!({
        "metadata": {
            "labels": {"prepl.dev/inject": "true", "app": "api"},
            "annotations": {"prepl.dev/repl": "nrepl://127.0.0.1:7888", "other/one": "x"},
        },
        "spec": {"containers": [{"name": "app", "image": "api:1"}]},
    });
    change(&mut pod);
    serde_json::from_value(pod).unwrap()
}

fn skip(change: impl FnOnce(&mut Value)) -> Skip {
    match judge(&pod(change), &settings()) {
        Verdict::Skip(skip) => skip,
        other => panic!("{other:?}"),
    }
}

fn injected(change: impl FnOnce(&mut Value)) -> Value {
    let pod = pod(change);
    let Verdict::Inject(patch) = judge(&pod, &settings()) else { panic!("no sidecar") };
    let mut pod = serde_json::to_value(pod).unwrap();
    for step in patch {
        add(&mut pod, step["path"].as_str().unwrap(), step["value"].clone());
    }
    pod
}

/// `add` of RFC 6902, as far as it is used.
fn add(document: &mut Value, path: &str, value: Value) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/");
    match document.pointer_mut(parent).unwrap() {
        Value::Array(list) => {
            assert_eq!(key, "-");
            list.push(value);
        }
        Value::Object(object) => drop(object.insert(key, value)),
        other => panic!("{other}"),
    }
}

#[test]
fn a_pod_that_asks_gets_a_sidecar_that_outlives_its_app() {
    let pod = injected(|_| {});
    let sidecar = &pod["spec"]["initContainers"][0];
    assert_eq!(sidecar["name"], "prepl");
    assert_eq!(sidecar["restartPolicy"], "Always");
    let args = json!([
        "serve",
        "--enrol",
        "10.0.0.9:7072",
        "--state",
        "/var/lib/prepl",
        "--listen",
        "0.0.0.0:7070",
        "--repl",
        "nrepl://127.0.0.1:7888"
    ]);
    assert_eq!(sidecar["args"], args);
    assert_eq!(pod["metadata"]["labels"]["prepl.dev/injected"], "true");
    assert_eq!(pod["metadata"]["labels"]["app"], "api");
    let token = &pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["audience"], "prepl");
    assert_eq!(pod["spec"]["volumes"][1]["emptyDir"]["sizeLimit"], "1Mi");
}

#[test]
fn the_sidecar_keeps_to_the_restricted_profile() {
    let pod = injected(|_| {});
    let security = &pod["spec"]["initContainers"][0]["securityContext"];
    assert_eq!(security["runAsNonRoot"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
}

#[test]
fn what_the_pod_had_stays() {
    let pod = injected(|pod| {
        pod["spec"]["initContainers"] = json!([{"name": "first"}]);
        pod["spec"]["volumes"] = json!([{"name": "data"}]);
    });
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "first");
    assert_eq!(pod["spec"]["initContainers"][1]["name"], "prepl");
    assert_eq!(pod["spec"]["volumes"][0]["name"], "data");
}

#[test]
fn a_pod_with_its_sidecar_is_left_as_it_is() {
    let pod: Pod = serde_json::from_value(injected(|_| {})).unwrap();
    assert_eq!(judge(&pod, &settings()), Verdict::Already);
}

#[test]
fn a_pod_that_does_not_ask_is_left_as_it_is() {
    for value in [json!("false"), json!("yes"), json!("")] {
        let pod = pod(|pod| pod["metadata"]["labels"]["prepl.dev/inject"] = value);
        assert_eq!(judge(&pod, &settings()), Verdict::NotAsked);
    }
}

#[test]
fn the_log_level_is_passed_on() {
    let pod =
        injected(|pod| pod["metadata"]["annotations"]["prepl.dev/log-level"] = json!("debug"));
    let environment = pod["spec"]["initContainers"][0]["env"].as_array().unwrap().clone();
    assert!(environment.contains(&json!({"name": "PREPL_LOG", "value": "debug"})));
}

#[test]
fn a_pod_without_a_repl_may_have_the_sidecars_own_engine() {
    let with =
        |url: &str| injected(|pod| pod["metadata"]["annotations"]["prepl.dev/repl"] = json!(url));
    let read_only = "nrepl://127.0.0.1:7888?read-only=shop.db/read-only";
    for url in ["rhai:", "clojure://localhost:5555", "nrepl://[::1]:1", read_only] {
        assert!(with(url)["spec"]["initContainers"].to_string().contains(url), "{url}");
    }
}

#[test]
fn a_repl_outside_of_the_pod_is_refused() {
    for url in [
        "nrepl://10.0.0.1:1",
        "nrepl://127.0.0.1",
        "127.0.0.1:1",
        "nrepl://127.0.0.1:0",
        "",
        "a b://localhost:1",
        "telnet://localhost:1",
        "rhai://x",
        "rhai:?read-only=a/b",
        "nrepl://127.0.0.1:1?",
        "nrepl://127.0.0.1:1?read-only=a",
        "nrepl://127.0.0.1:1?read-only=a/b&x=y",
        "nrepl://10.0.0.1:1?read-only=a/b@127.0.0.1:1",
    ] {
        let skip = skip(|pod| pod["metadata"]["annotations"]["prepl.dev/repl"] = json!(url));
        assert_eq!(skip, Skip::BadRepl, "{url}");
    }
}

#[test]
fn each_reason_for_no_sidecar_has_its_name() {
    let annotation = |key: &str, value: &str| {
        let (key, value) = (key.to_owned(), json!(value));
        skip(move |pod| pod["metadata"]["annotations"][key] = value)
    };
    assert_eq!(skip(|pod| pod["metadata"]["annotations"] = json!({})), Skip::NoRepl);
    assert_eq!(annotation("prepl.dev/image", "evil").reason(), "UnknownAnnotation");
    assert_eq!(annotation("prepl.dev/log-level", "trace"), Skip::BadLogLevel);
    assert_eq!(annotation("prepl.dev/container", "none"), Skip::NoContainer);
    assert_eq!(skip(|pod| pod["spec"]["hostNetwork"] = json!(true)), Skip::HostNetwork);
    assert_eq!(skip(|pod| pod["spec"]["os"] = json!({"name": "windows"})), Skip::Windows);
    let limits = json!({"limits": {"memory": "1Gi"}});
    assert_eq!(skip(|pod| pod["spec"]["resources"] = limits), Skip::PodResources);
    assert_eq!(annotation("kubernetes.io/config.mirror", "x"), Skip::StaticPod);
    let long = format!("prepl.dev/{}\n\u{1b}[2J", "x".repeat(1000));
    let told = annotation(&long, "").to_string();
    assert!(told.len() < 300 && !told.contains('\u{1b}') && !told.contains('\n'), "{told}");
    let taken = skip(|pod| pod["spec"]["containers"][0]["name"] = json!("prepl"));
    assert_eq!(taken, Skip::NameTaken("prepl"));
    let taken = skip(|pod| pod["spec"]["volumes"] = json!([{"name": "prepl-token"}]));
    assert_eq!(taken, Skip::NameTaken("prepl-token"));
    let taken = skip(|pod| pod["spec"]["volumes"] = json!([{"name": "prepl-state"}]));
    assert_eq!(taken, Skip::NameTaken("prepl-state"));
}
