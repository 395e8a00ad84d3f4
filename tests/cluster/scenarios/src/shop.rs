//! The service that the scenarios ask: the Clojure session store, in a namespace that lets prepl in.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Problem, apply, ensure, get, kubectl, wait_until};
use crate::person::administrator;

/// The namespace of prepl.
pub const SYSTEM: &str = "prepl-system";
/// The gateways.
pub const GATEWAYS: &str = "statefulset/prepl-gateway";
/// The namespace of the service.
pub const NAMESPACE: &str = "shop";
/// Replicas of the service.
pub const REPLICAS: usize = 6;

/// The service is up, with a sidecar in each pod; made once.
pub fn open() -> Result<(), Problem> {
    static OPEN: OnceLock<Result<(), Problem>> = OnceLock::new();
    OPEN.get_or_init(|| {
        namespace(NAMESPACE)?;
        apply(&deployment(NAMESPACE, "api", REPLICAS, CLOJURE))?;
        rolled_out(NAMESPACE, "api")?;
        answering(NAMESPACE, "api")
    })
    .clone()
}

/// Waits until every REPL of a Deployment answers: a JVM is up later than its pod.
pub fn answering(namespace: &str, name: &str) -> Result<(), Problem> {
    let target = format!("deployment/{name}");
    wait_until(Duration::from_secs(90), || {
        let asked = administrator(&["targets", "-n", namespace, &target])?;
        ensure(asked.code == 0, || format!("{}{}", asked.out, asked.err))
    })
    .map(drop)
}

/// A namespace that lets prepl in.
pub fn namespace(name: &str) -> Result<(), Problem> {
    apply(&format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{prepl.dev/inject: enabled}}}}}}"
    ))
    .map(drop)
}

/// Waits for a Deployment.
pub fn rolled_out(namespace: &str, name: &str) -> Result<(), Problem> {
    settled(namespace, &format!("deployment/{name}"))
}

/// Waits for the gateways.
pub fn gateways_rolled_out() -> Result<(), Problem> {
    settled(SYSTEM, GATEWAYS)
}

/// Waits for a workload, which is named with its kind.
pub fn settled(namespace: &str, workload: &str) -> Result<(), Problem> {
    kubectl(&["-n", namespace, "rollout", "status", workload, "--timeout=180s"]).map(drop)
}

/// The pods of a Deployment that [`deployment`] wrote.
pub fn pods(namespace: &str, name: &str) -> Result<Vec<Value>, Problem> {
    let label = format!("app={name}");
    let list = get(&["pods", "-n", namespace, "-l", &label])?;
    let pods: Vec<Value> = list["items"].as_array().cloned().unwrap_or_default();
    let alive = pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    Ok(alive.collect())
}

/// A pod has a sidecar.
pub fn has_sidecar(pod: &Value) -> Result<(), Problem> {
    let init = pod["spec"]["initContainers"].as_array();
    let found = init.is_some_and(|all| all.iter().any(|one| one["name"] == "prepl"));
    ensure(found, || format!("{} has no sidecar", pod["metadata"]["name"]))
}

/// Image and REPL of the service in Clojure.
pub const CLOJURE: (&str, &str) = ("prepl.test/session-store:dev", "nrepl://127.0.0.1:7888");
/// Image and REPL of a pod that does nothing; its sidecar answers with its own engine.
pub const IDLE: (&str, &str) = ("prepl.test/busybox:1", "rhai:");

/// A Deployment whose pods ask for a sidecar.
pub fn deployment(
    namespace: &str,
    name: &str,
    replicas: usize,
    (image, repl): (&str, &str),
) -> String {
    let command = if image == IDLE.0 { "command: [/bin/sleep, '100000']," } else { "" };
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}, namespace: {namespace}}},
 spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: {name}}}}}, template: {{
  metadata: {{labels: {{app: {name}, prepl.dev/inject: 'true'}}, annotations: {{prepl.dev/repl: '{repl}'}}}},
  spec: {{terminationGracePeriodSeconds: 1,
   topologySpreadConstraints: [{{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,
     labelSelector: {{matchLabels: {{app: {name}}}}}}}],
   containers: [{{name: app, image: {image}, imagePullPolicy: IfNotPresent, {command}}}]}}}}}}}}"
    )
}
