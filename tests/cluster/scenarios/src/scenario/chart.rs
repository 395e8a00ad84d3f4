//! The chart: what it refuses, what it makes, and what is left when it goes.

use std::time::Duration;

use crate::cluster::{Problem, command, ensure, get, kubectl, wait_until};
use crate::scenario::rotation::enrolled;
use crate::shop::{self, NAMESPACE, REPLICAS, SYSTEM};

const CHART: &str = "charts/prepl";
/// What an uninstallation leaves on purpose: the address that sidecars know.
const KEPT: &str = "service/prepl-controller";
const GATEWAYS: u64 = 2;

fn helm(args: &[&str]) -> Result<String, Problem> {
    let output = command("helm").args(args).output();
    let output = output.map_err(|error| format!("cannot run helm: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

pub fn lint_and_template() -> Result<String, Problem> {
    helm(&["lint", "--strict", CHART])?;
    let rendered = helm(&["template", "prepl", CHART, "--namespace", "elsewhere"])?;
    for part in ["kind: PodDisruptionBudget", "kind: NetworkPolicy", "namespace: elsewhere"] {
        ensure(rendered.contains(part), || format!("no {part}"))?;
    }
    let without = helm(&["template", "prepl", CHART, "--set", "networkPolicy.enabled=false"])?;
    ensure(!without.contains("kind: NetworkPolicy"), || "a NetworkPolicy all the same".into())?;
    let lost = helm(&["template", "prepl", CHART, "--set", "gateway.audit.persistent=false"])?;
    let claims = [&rendered, &lost].map(|text| text.contains("volumeClaimTemplates"));
    ensure(claims == [true, false], || format!("claims of volumes: {claims:?}"))?;
    let nonsense = [
        "gateway.replicas=0",
        "webhook.failurePolicy=Perhaps",
        "trustDomain=No_Domain",
        "certificateLifetimeSeconds=1",
        "gateway.audit.size=much",
        "gateway.audit.keepBytes=1",
        "typo=1",
    ];
    for value in nonsense {
        let refused = helm(&["template", "prepl", CHART, "--set", value]);
        ensure(refused.is_err(), || format!("{value} is taken"))?;
    }
    Ok(format!("lint is content, and {} values are refused", nonsense.len()))
}

pub fn upgrade_uninstall_install() -> Result<String, Problem> {
    shop::open()?;
    let release: &[&str] = &["upgrade", "--install", "prepl", CHART, "--namespace", SYSTEM];
    let values = "tests/cluster/values.yaml";
    let upgrade = |more: &[&str]| {
        let args = [release, &["--values", values, "--wait", "--timeout", "3m"], more].concat();
        helm(&args).map(drop)
    };
    upgrade(&["--set", "logLevel=debug"])?;
    asked()?;
    let chains = chains()?;
    helm(&["uninstall", "prepl", "--namespace", SYSTEM, "--wait", "--timeout", "2m"])?;
    let label = "app.kubernetes.io/managed-by=Helm,app.kubernetes.io/name=prepl";
    let kinds = "all,sa,role,rolebinding,clusterrole,clusterrolebinding,networkpolicy,pdb,\
                 mutatingwebhookconfigurations,validatingadmissionpolicies,\
                 validatingadmissionpolicybindings";
    // Pods end later than their Deployments.
    wait_until(Duration::from_secs(60), || {
        let left = kubectl(&["get", kinds, "-A", "-l", label, "-o", "name"])?;
        ensure(left.trim() == KEPT, || format!("left behind: {left}"))
    })?;
    let api = get(&["deployment", "api", "-n", NAMESPACE])?["status"]["readyReplicas"].clone();
    ensure(api == REPLICAS, || format!("{api} replicas of the app are ready"))?;
    upgrade(&[])?;
    // The sidecars of before find the new controllers, and renew.
    wait_until(Duration::from_secs(90), || {
        let enrolled = enrolled()?;
        ensure(enrolled >= REPLICAS as u64 + GATEWAYS, || format!("{enrolled} pods enrolled"))
    })?;
    asked()?;
    let (was, is) = (chains, self::chains()?);
    ensure(was == is, || format!("other audit logs: {was}, then {is}"))?;
    Ok("upgraded, uninstalled but for the address that sidecars know, installed again; the app ran on".to_owned())
}

/// The gateways' audit logs.
fn chains() -> Result<String, Problem> {
    kubectl(&["get", "auditcheckpoints", "-n", SYSTEM, "-o", "name"])
}

/// The pods of before are still asked.
fn asked() -> Result<(), Problem> {
    shop::answering(NAMESPACE, "api")
}
