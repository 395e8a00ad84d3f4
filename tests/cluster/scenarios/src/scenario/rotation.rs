//! Promise P9: certificates and authorities change, and no stream notices.

use std::time::Duration;

use crate::cluster::{Problem, ensure, get, kubectl, wait_until};
use crate::person::Person;
use crate::shop::{self, NAMESPACE, REPLICAS, SYSTEM};
use crate::stream::{Stream, joined};

/// The change takes a lifetime of certificates (60 s here), and somewhat more.
const SECONDS: usize = 140;

pub fn authorities_change() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("steady", NAMESPACE)?;
    let (before, enrolled) = (signer()?, enrolled()?);
    let expression = format!("(dotimes [i {SECONDS}] (println i) (Thread/sleep 1000))");
    let mut stream = Stream::start(
        &person,
        &["-n", NAMESPACE, "-l", "app=api", "--timeout", "300s", &expression],
    )?;
    stream.until_printed(REPLICAS)?;
    let reading = stream.read_on();
    kubectl(&["-n", SYSTEM, "annotate", "secret", "prepl-authority", "prepl.dev/rotate=true"])?;
    let switched = wait_until(Duration::from_secs(130), || {
        ensure(signer()? != before, || "the old authority signs".to_owned())
    })?;
    // The API server believes the webhook's new certificate, and new pods enrol.
    kubectl(&[
        "-n",
        NAMESPACE,
        "scale",
        "deployment/api",
        "--replicas",
        &(REPLICAS + 1).to_string(),
    ])?;
    shop::rolled_out(NAMESPACE, "api")?;
    shop::pods(NAMESPACE, "api")?.iter().try_for_each(shop::has_sidecar)?;
    shop::answering(NAMESPACE, "api")?;
    kubectl(&["-n", NAMESPACE, "scale", "deployment/api", "--replicas", &REPLICAS.to_string()])?;
    let seen = joined(reading)?;
    let renewed = self::enrolled()? - enrolled;
    // The scaled-down pod may be one of the run's.
    let ok = seen.outcomes.values().filter(|outcomes| **outcomes == ["ok"]).count();
    ensure(ok >= REPLICAS - 1, || format!("{:?} {}", seen.outcomes, seen.err))?;
    ensure(renewed as usize > 2 * REPLICAS, || format!("{renewed} certificates in all"))?;
    Ok(format!(
        "another authority signed after {switched:.0?}, {renewed} certificates were given meanwhile, {ok} streams of {SECONDS} s ended well"
    ))
}

/// The authority that signs, as the Secret holds it; only compared.
fn signer() -> Result<String, Problem> {
    let secret = get(&["secret", "prepl-authority", "-n", SYSTEM])?;
    Ok(secret["data"]["authority.pem"].to_string())
}

/// Certificates that the controllers gave to pods.
pub fn enrolled() -> Result<u64, Problem> {
    let label = "app.kubernetes.io/component=controller";
    let pods = get(&["pods", "-n", SYSTEM, "-l", label])?;
    let mut all = 0;
    for pod in pods["items"].as_array().into_iter().flatten() {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{name}:8080/proxy/metrics");
        let metrics = kubectl(&["get", "--raw", &path])?;
        let line = metrics.lines().find_map(|line| line.strip_prefix("prepl_enrolled_total "));
        all +=
            line.and_then(|number| number.parse::<u64>().ok()).ok_or("no prepl_enrolled_total")?;
    }
    Ok(all)
}
