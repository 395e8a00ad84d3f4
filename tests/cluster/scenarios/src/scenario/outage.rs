//! Promise P7: the app does not need prepl.

use std::time::Duration;

use crate::cluster::{Problem, ensure, get, kubectl, wait_until};
use crate::shop::{self, NAMESPACE, REPLICAS};

const SYSTEM: &str = "prepl-system";
const PARTS: &[&str] = &["prepl-controller", "prepl-gateway"];

pub fn the_app_does_not_need_prepl() -> Result<String, Problem> {
    shop::open()?;
    scale("0")?;
    wait_until(Duration::from_secs(60), || {
        let left = get(&["pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=prepl"])?;
        let left = left["items"].as_array().map_or(0, Vec::len);
        ensure(left == 0, || format!("{left} pods of prepl are left"))
    })?;
    let restarted = restart();
    scale("2")?;
    for part in PARTS {
        shop::rolled_out(SYSTEM, part)?;
    }
    let ready = restarted?;
    // The pods that came meanwhile have no sidecar; the next ones have.
    kubectl(&["-n", NAMESPACE, "rollout", "restart", "deployment/api"])?;
    shop::rolled_out(NAMESPACE, "api")?;
    shop::pods(NAMESPACE, "api")?.iter().try_for_each(shop::has_sidecar)?;
    shop::answering(NAMESPACE, "api")?;
    Ok(format!("{ready} replicas restarted and got ready without prepl"))
}

fn scale(replicas: &str) -> Result<(), Problem> {
    let replicas = format!("--replicas={replicas}");
    PARTS.iter().try_for_each(|part| {
        kubectl(&["-n", SYSTEM, "scale", "deployment", part, &replicas]).map(drop)
    })
}

fn restart() -> Result<usize, Problem> {
    kubectl(&["-n", NAMESPACE, "rollout", "restart", "deployment/api"])?;
    shop::rolled_out(NAMESPACE, "api")?;
    let ready = get(&["deployment", "api", "-n", NAMESPACE])?["status"]["readyReplicas"].clone();
    ensure(ready == REPLICAS, || format!("{ready} ready"))?;
    Ok(REPLICAS)
}
