//! Promise P7: the app does not need prepl.

use std::time::Duration;

use crate::cluster::{Problem, apply, ensure, get, kubectl, wait_until};
use crate::shop::{self, NAMESPACE, REPLICAS, SYSTEM};

const PARTS: &[&str] = &["deployment/prepl-controller", shop::GATEWAYS];

pub fn the_app_does_not_need_prepl() -> Result<String, Problem> {
    shop::open()?;
    scale("0")?;
    wait_until(Duration::from_secs(60), || {
        let left = get(&["pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=prepl"])?;
        let left = left["items"].as_array().map_or(0, Vec::len);
        ensure(left == 0, || format!("{left} pods of prepl are left"))
    })?;
    let restarted = restart();
    let back = restored();
    let ready = restarted?;
    back?;
    // The pods that came meanwhile have no sidecar; the next ones have.
    with_sidecars()?;
    Ok(format!("{ready} replicas restarted and got ready without prepl"))
}

pub fn a_hung_webhook() -> Result<String, Problem> {
    shop::open()?;
    scale("0")?;
    apply(TARPIT)?;
    let hung = shop::rolled_out(SYSTEM, "tarpit").and_then(|()| restart());
    kubectl(&["-n", SYSTEM, "delete", "deployment", "tarpit", "--wait=true"])?;
    let back = restored();
    let ready = hung?;
    back?;
    let asked = crate::person::administrator(&["targets", "-n", NAMESPACE, "deploy/api"])?;
    ensure(asked.code == 3, || format!("pods without a sidecar: exit {}", asked.code))?;
    with_sidecars()?;
    Ok(format!("{ready} replicas restarted and got ready while the webhook did not answer"))
}

/// Takes the controllers' place, accepts connections, and never says a word.
const TARPIT: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: tarpit, namespace: prepl-system}, spec: {
 selector: {matchLabels: {app: tarpit}}, template: {
  metadata: {labels: {app: tarpit, app.kubernetes.io/name: prepl, app.kubernetes.io/instance: prepl, app.kubernetes.io/component: controller}},
  spec: {terminationGracePeriodSeconds: 1, containers: [
   {name: webhook, image: 'prepl.test/busybox:1', command: [/bin/nc, -ll, -p, '9443', -e, /bin/sleep, '100000']},
   {name: enrol, image: 'prepl.test/busybox:1', command: [/bin/nc, -ll, -p, '7072', -e, /bin/sleep, '100000']}]}}}}";

fn restored() -> Result<(), Problem> {
    scale("2")?;
    PARTS.iter().try_for_each(|part| shop::settled(SYSTEM, part))
}

/// Pods that come now are injected again.
fn with_sidecars() -> Result<(), Problem> {
    kubectl(&["-n", NAMESPACE, "rollout", "restart", "deployment/api"])?;
    shop::rolled_out(NAMESPACE, "api")?;
    shop::pods(NAMESPACE, "api")?.iter().try_for_each(shop::has_sidecar)?;
    shop::answering(NAMESPACE, "api")
}

fn scale(replicas: &str) -> Result<(), Problem> {
    let replicas = format!("--replicas={replicas}");
    PARTS.iter().try_for_each(|part| kubectl(&["-n", SYSTEM, "scale", part, &replicas]).map(drop))
}

fn restart() -> Result<usize, Problem> {
    kubectl(&["-n", NAMESPACE, "rollout", "restart", "deployment/api"])?;
    shop::rolled_out(NAMESPACE, "api")?;
    let ready = get(&["deployment", "api", "-n", NAMESPACE])?["status"]["readyReplicas"].clone();
    ensure(ready == REPLICAS, || format!("{ready} ready"))?;
    Ok(REPLICAS)
}
