//! `prepl doctor`: what is wrong on the way to the replicas, and how to mend it.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use prepl_core::{Class, ExitCode, Outcome, Replica, Selection};
use prepl_crd::{Mode, right};
use prepl_gateway::DEFAULT_WIDTH;
use prepl_gateway::gateway::Described;

use crate::cluster::context::Cluster;
use crate::cluster::fleet::{ClusterFleet, Scope, problem};
use crate::cluster::{ClusterArgs, access, dial, injection, rights};
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

Exit codes: 0 all is well, 1 something is not, 2 usage")]
pub struct DoctorArgs {
    /// Namespace to look in; without it, that of the context
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

/// Replicas that cannot answer, of which each is shown.
const MAX_SILENT: usize = 5;

/// The longest wait for one replica.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one check found: a sentence that all is well, or what is not.
type Finding = Result<String, Problem>;

/// Checks one thing after the other; a check that needs an earlier one is left out.
pub fn run(args: &DoctorArgs, global: &Global) -> Result<u8, Problem> {
    if global.fleet().is_some() {
        return Err(Problem::usage("doctor checks the way into a cluster, not a fleet's folder").hint(
            "leave out --fleet and PREPL_FLEET; what is wrong with a folder's replicas shows: prepl \
             targets -A -o wide",
        ));
    }
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
    let way = access.is_ok() && gateway.is_ok();
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
    if selection.is_empty() {
        // What is wrong then, the pods have told.
        return Vec::new();
    }
    match fleet.remote.describe(&selection, PATIENCE, DEFAULT_WIDTH).await {
        Ok(told) => {
            let mut findings = answering(&selection, &told);
            findings.push(of_one_version(&told));
            findings
        }
        Err(failed) => vec![Err(problem(&failed))],
    }
}

/// A finding for each replica that cannot answer, or one for all.
fn answering(selection: &Selection, told: &[Described]) -> Vec<Finding> {
    let silent = selection.replicas().iter().zip(told);
    let silent: Vec<_> =
        silent.filter_map(|(replica, told)| Some((replica, told.as_ref().err()?))).collect();
    let all = crowd::count(told.len());
    if silent.is_empty() {
        return vec![Ok(format!("{all} can answer"))];
    }
    let mut findings: Vec<Finding> = silent
        .iter()
        .take(MAX_SILENT)
        .map(|(replica, why)| Err(cannot_answer(replica, why)))
        .collect();
    if silent.len() > MAX_SILENT {
        let more = format!("{} of {all} cannot answer; not all are shown", silent.len());
        findings.push(Err(Problem::failed(more)));
    }
    findings
}

fn cannot_answer(replica: &Replica, outcome: &Outcome) -> Problem {
    let why = outcome.reason().map(|reason| reason.as_str()).unwrap_or_default();
    let remedy = match outcome.class() {
        Class::Unreachable if !why.contains("certificate") => {
            "see whether its REPL listens where prepl.dev/repl says, and speaks that"
        }
        _ => "its sidecar no longer gets certificates: read its log, and restart the pod",
    };
    Problem::failed(format!("{} cannot answer: {why}", replica.id.name)).hint(remedy)
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
    match injection::look(cluster).await? {
        Some(seen) => seen.judge(&cluster.namespace),
        None => Ok("pods without a sidecar are not looked for: you may not list pods".to_owned()),
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
    use super::*;

    fn version(version: &str) -> Described {
        Ok(prepl_core::Description {
            sidecar_version: version.into(),
            driver: "nrepl".into(),
            language: "".into(),
            runtime_version: "".into(),
            interrupt: prepl_core::InterruptStrength::None,
            read_only: None,
            loaded: Vec::new(),
        })
    }

    #[test]
    fn a_replica_that_cannot_answer_is_named_with_the_reason() {
        let selection = Selection::of(crate::render::example::api_fleet(2));
        let silent = prepl_core::Outcome::Unreachable(prepl_core::Reason::new("refused"));
        let told = [version("1"), Err(silent)];
        let findings = answering(&selection, &told);
        let [Err(problem)] = &findings[..] else { panic!("{findings:?}") };
        assert!(problem.message.contains("-01 cannot answer: refused"), "{problem}");
        assert!(answering(&selection, &[version("1"), version("1")])[0].is_ok());
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
