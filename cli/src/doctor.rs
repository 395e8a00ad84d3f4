//! `prepl doctor`: what is wrong on the way to the replicas, and how to mend it.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use prepl_core::{Class, ExitCode, Selection};
use prepl_crd::{Mode, right};
use prepl_gateway::DEFAULT_WIDTH;
use prepl_gateway::gateway::Described;

use crate::cluster::api_error::refused;
use crate::cluster::context::Cluster;
use crate::cluster::fleet::{ClusterFleet, Scope, problem};
use crate::cluster::{ClusterArgs, access, dial, rights};
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::reach;
use crate::render::crowd;
use crate::render::safe::{self, Layout};

/// Check the way to a cluster's replicas, and say how to mend it
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl doctor
  prepl doctor -n shop --context staging

Exit codes: 0 all is well, 1 something is not")]
pub struct DoctorArgs {
    /// Namespace to look in; without it, that of the context
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

/// The longest wait for one replica.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one check found: a sentence that all is well, or what is not.
type Finding = Result<String, Problem>;

/// Checks one thing after the other; a check that needs an earlier one is left out.
pub fn run(args: &DoctorArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let findings = runtime.block_on(examine(args, &global.cluster));
    runtime.shutdown_background();
    console.answer(&findings.iter().map(line).collect::<String>());
    console.written()?;
    let well = findings.iter().all(Result::is_ok);
    Ok(if well { ExitCode::Ok } else { ExitCode::Failed }.number())
}

async fn examine(args: &DoctorArgs, from: &ClusterArgs) -> Vec<Finding> {
    let cluster = match Cluster::open(from, args.namespace.as_deref()).await {
        Ok(cluster) => cluster,
        Err(problem) => return vec![Err(problem)],
    };
    let known = rights::who(&cluster).await;
    let reached = known.is_ok();
    let server = &cluster.server;
    let mut findings =
        vec![known.map(|user| format!("{server} answers and knows you as {}", user.username))];
    if !reached {
        return findings;
    }
    let (access, gateway, inspect, eval, pods) = tokio::join!(
        access(&cluster),
        gateway(&cluster, from),
        right(&cluster, Mode::Inspect),
        right(&cluster, Mode::Eval),
        pods(&cluster),
    );
    let way = access.is_ok() && gateway.is_ok() && pods.is_ok();
    findings.extend([access, gateway, inspect, eval, pods]);
    if way {
        findings.extend(replicas(from, args.namespace.clone()).await);
    }
    findings
}

/// What the sidecars say of themselves and their REPLs.
async fn replicas(from: &ClusterArgs, namespace: Option<String>) -> Vec<Finding> {
    let scope = Scope::One(namespace);
    let fleet = match ClusterFleet::open(from, &scope, Mode::Inspect, PATIENCE).await {
        Ok(fleet) => fleet,
        Err(problem) => return vec![Err(problem)],
    };
    let selection = Selection::of(fleet.listed.replicas.clone());
    if let Some(empty) = fleet.emptiness() {
        return vec![Err(empty)];
    }
    match fleet.remote.describe(&selection, PATIENCE, DEFAULT_WIDTH).await {
        Ok(told) => vec![answering(&selection, &told), of_one_version(&told)],
        Err(failed) => vec![Err(problem(&failed))],
    }
}

fn answering(selection: &Selection, told: &[Described]) -> Finding {
    let silent = selection.replicas().iter().zip(told);
    let mut silent = silent.filter_map(|(replica, told)| Some((replica, told.as_ref().err()?)));
    let count = told.iter().filter(|one| one.is_err()).count();
    match silent.next() {
        None => Ok(format!("{} answer", crowd::count(told.len()))),
        Some((replica, outcome)) => {
            let why = outcome.reason().map(|reason| reason.as_str()).unwrap_or_default();
            let name = &replica.id.name;
            let all = crowd::count(told.len());
            let remedy = match outcome.class() {
                Class::Unreachable => "see whether its REPL listens where prepl.dev/repl says",
                _ => "read the sidecar's log, and restart the pod",
            };
            Err(Problem::failed(format!("{count} of {all} cannot answer; {name}: {why}"))
                .hint(format!("{remedy}; `prepl targets -A -o wide` shows them all")))
        }
    }
}

/// Sidecars of another version than this program stay until their pods are made anew.
fn of_one_version(told: &[Described]) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let others: BTreeSet<&str> = told
        .iter()
        .flatten()
        .map(|one| &*one.sidecar_version)
        .filter(|version| *version != own)
        .collect();
    if others.is_empty() {
        return Ok(format!("prepl and the sidecars have the version {own}"));
    }
    let others = others.into_iter().collect::<Vec<_>>().join(", ");
    Err(Problem::failed(format!("prepl has the version {own}, and some sidecars have {others}"))
        .hint("restart their workloads, or use the prepl of that version"))
}

/// A fresh access: one that is kept would hide a controller that is away.
async fn access(cluster: &Cluster) -> Finding {
    let bundle = access::ask(cluster, Mode::Inspect, access::SHORTEST).await?;
    Ok(format!("the controller gives access as {}", bundle.name()))
}

async fn gateway(cluster: &Cluster, args: &ClusterArgs) -> Finding {
    let _stream = dial::open(cluster, args).await?;
    Ok("a gateway is ready and can be reached".to_owned())
}

async fn right(cluster: &Cluster, mode: Mode) -> Finding {
    let (namespace, word) = (&cluster.namespace, mode.subresource());
    if rights::may(cluster, mode, None).await? {
        return Ok(format!("you may {word} every workload in namespace {namespace}"));
    }
    Err(Problem::denied(format!("you may not {word} every workload in namespace {namespace}"))
        .hint(right::missing(mode, namespace, None)))
}

/// Pods that asked for a sidecar, whether or not they got one.
async fn pods(cluster: &Cluster) -> Finding {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let asked = ListParams::default().labels("prepl.dev/inject=true");
    match pods.list(&asked).await {
        Ok(found) => injected(&cluster.namespace, &found.items),
        // A right that prepl itself does not need.
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Ok("pods without a sidecar are not looked for: you may not list pods".to_owned())
        }
        Err(error) => Err(refused("see the pods", &error)),
    }
}

fn injected(namespace: &str, asked: &[Pod]) -> Finding {
    let without = asked.iter().find(|pod| {
        let label = pod.metadata.labels.as_ref().and_then(|all| all.get("prepl.dev/injected"));
        label.is_none_or(|value| value != "true")
    });
    match (without, asked.len()) {
        (None, 0) => Err(Problem::failed(format!("no pod in namespace {namespace} has a sidecar"))
            .hint(
                "label the namespace prepl.dev/inject=enabled and the pods prepl.dev/inject=true, \
                 and annotate the pods with prepl.dev/repl",
            )),
        (None, 1) => Ok("the one pod that asked for a sidecar has one".to_owned()),
        (None, all) => Ok(format!("all {all} pods that asked for a sidecar have one")),
        (Some(pod), _) => {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            Err(Problem::failed(format!("pod {name} asked for a sidecar and has none")).hint(
                format!("`kubectl get events -n {namespace}` tells why; then restart the pod"),
            ))
        }
    }
}

fn line(finding: &Finding) -> String {
    let (mark, text) = match finding {
        Ok(text) => ("ok ", text.clone()),
        Err(Problem { message, hint: Some(hint), .. }) => ("bad", format!("{message}: {hint}")),
        Err(Problem { message, .. }) => ("bad", message.clone()),
    };
    format!("{mark} {}\n", safe::text(&text, Layout::Line))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, labels: serde_json::Value) -> Pod {
        serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels } })).unwrap()
    }

    #[test]
    fn a_pod_that_got_no_sidecar_is_named() {
        let with = pod("api-1", json!({ "prepl.dev/injected": "true" }));
        let without = pod("api-2", json!({}));
        assert!(injected("shop", &[]).is_err());
        assert!(injected("shop", std::slice::from_ref(&with)).is_ok());
        let problem = injected("shop", &[with, without]).unwrap_err();
        assert!(problem.message.contains("api-2"), "{problem}");
    }

    fn version(version: &str) -> Described {
        Ok(prepl_core::Description {
            sidecar_version: version.into(),
            driver: "nrepl".into(),
            language: "".into(),
            runtime_version: "".into(),
            interrupt: prepl_core::InterruptStrength::None,
        })
    }

    #[test]
    fn a_replica_that_cannot_answer_is_named_with_the_reason() {
        let selection = Selection::of(crate::render::example::api_fleet(2));
        let silent = prepl_core::Outcome::Unreachable(prepl_core::Reason::new("refused"));
        let told = [version("1"), Err(silent)];
        let problem = answering(&selection, &told).unwrap_err();
        assert!(
            problem.message.contains("1 of 2") && problem.message.contains("-01: refused"),
            "{problem}"
        );
        assert!(answering(&selection, &[version("1"), version("1")]).is_ok());
    }

    #[test]
    fn another_version_is_told() {
        let own = version(env!("CARGO_PKG_VERSION"));
        assert!(of_one_version(std::slice::from_ref(&own)).is_ok());
        let problem = of_one_version(&[own, version("0.0.1")]).unwrap_err();
        assert!(problem.message.contains("0.0.1"), "{problem}");
    }

    #[test]
    fn a_finding_is_one_line_with_its_remedy() {
        assert_eq!(line(&Ok("all is well".to_owned())), "ok  all is well\n");
        let bad = Err(Problem::failed("it\nbroke").hint("mend it"));
        assert_eq!(line(&bad), "bad it\\nbroke: mend it\n");
    }
}
