//! The replicas of a cluster, through a gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prepl_crd::{Mode, right};
use prepl_gateway::remote::Listed;
use prepl_gateway::{Remote, RemoteFailed};
use prepl_identity::{Bundle, Credentials};

use crate::cluster::access::{self, Access};
use crate::cluster::context::Cluster;
use crate::cluster::{ClusterArgs, dial};
use crate::problem::Problem;

/// The replicas that the user may inspect, and the gateway that reaches them.
pub struct ClusterFleet {
    /// Reaches them.
    pub remote: Remote,
    /// Them.
    pub listed: Listed,
    /// The namespace that was looked in; `None` when all were.
    pub namespace: Option<String>,
    /// The API server, and the namespace that the access lies in.
    pub cluster: Cluster,
    /// Streams to gateways that were opened so far.
    opened: Arc<AtomicUsize>,
}

impl ClusterFleet {
    /// Opens the way to the replicas of one namespace, else of all, with an access that lasts for
    /// `lasting` at least.
    ///
    /// An access of an earlier command that is good for nothing any more is asked for again, once.
    pub async fn open(
        args: &ClusterArgs,
        scope: &Scope,
        mode: Mode,
        lasting: Duration,
    ) -> Result<ClusterFleet, Problem> {
        let cluster = Cluster::open(args, scope.namespace(args)).await?;
        let namespace = match scope {
            Scope::All => None,
            Scope::One(_) => Some(cluster.namespace.clone()),
        };
        let access = access::access(&cluster, mode, lasting).await;
        let access = access.map_err(|problem| scope.explain(problem))?;
        let opened = match access {
            Access::Fresh(bundle) => look(&cluster, args, bundle).await,
            Access::Kept(bundle) => match look(&cluster, args, bundle).await {
                Err(failed) if is_stale(&failed) => {
                    let bundle = access::renew(&cluster, mode, lasting).await?;
                    look(&cluster, args, bundle).await
                }
                opened => opened,
            },
        };
        let (remote, listed, opened) = opened.map_err(|failed| problem(&failed))?;
        Ok(ClusterFleet { remote, listed, namespace, cluster, opened })
    }

    /// The same with an access of one's own.
    pub async fn with(
        args: &ClusterArgs,
        cluster: Cluster,
        bundle: Bundle,
    ) -> Result<ClusterFleet, Problem> {
        let opened = look(&cluster, args, bundle).await;
        let (remote, listed, opened) = opened.map_err(|failed| problem(&failed))?;
        let namespace = cluster.namespace.clone();
        let namespace = (namespace != args.operator_namespace).then_some(namespace);
        Ok(ClusterFleet { remote, listed, namespace, cluster, opened })
    }

    /// The same with the replicas that there are now; `None` when the access is good for nothing
    /// any more.
    pub async fn again(&self) -> Result<Option<ClusterFleet>, Problem> {
        let (remote, cluster) = (self.remote.clone(), self.cluster.clone());
        let (namespace, opened) = (self.namespace.clone(), Arc::clone(&self.opened));
        match remote.list().await {
            Ok(listed) => Ok(Some(ClusterFleet { remote, listed, namespace, cluster, opened })),
            Err(failed) if is_stale(&failed) => Ok(None),
            Err(failed) => Err(problem(&failed)),
        }
    }

    /// How many streams to gateways were opened so far.
    pub fn openings(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Why there is nothing to choose from; `None` when there is something.
    pub fn emptiness(&self) -> Option<Problem> {
        let place = match &self.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in the cluster".to_owned(),
        };
        match (self.listed.replicas.is_empty(), self.listed.hidden_workloads) {
            (false, _) => None,
            (true, 0) => Some(
                Problem::nothing_matched(format!("no pod {place} has a sidecar; nothing ran"))
                    .hint(match &self.namespace {
                        Some(namespace) => {
                            format!("`prepl doctor -n {namespace}` tells what is missing")
                        }
                        None => "`prepl doctor -n NAMESPACE` tells what is missing".to_owned(),
                    }),
            ),
            (true, hidden) => Some(self.hidden(hidden)),
        }
    }

    /// The same problem, with what the user cannot see; denied when that may be what he meant.
    pub fn explain(&self, problem: Problem) -> Problem {
        match (problem.code, self.listed.hidden_workloads) {
            (prepl_core::ExitCode::NothingMatched, hidden @ 1..) => {
                let seen = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                let denied = self.hidden(hidden);
                Problem {
                    message: format!("{}; {}{seen}", problem.message, denied.message),
                    ..denied
                }
            }
            _ => problem,
        }
    }

    fn hidden(&self, workloads: u32) -> Problem {
        let (are, place) = match (workloads, &self.namespace) {
            (1, Some(namespace)) => ("1 workload is".to_owned(), format!(" in {namespace}")),
            (1, None) => ("1 workload is".to_owned(), String::new()),
            (many, Some(namespace)) => {
                (format!("{many} workloads are"), format!(" in {namespace}"))
            }
            (many, None) => (format!("{many} workloads are"), String::new()),
        };
        let namespace = self.namespace.as_deref().unwrap_or("(each)");
        Problem::denied(format!("{are} hidden from you{place}: you may not inspect it"))
            .hint(right::missing(Mode::Inspect, namespace, None))
    }
}

/// Where a command looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One namespace; `None` is that of the context.
    One(Option<String>),
    /// All namespaces: the access request then lies in the namespace of prepl itself.
    All,
}

impl Scope {
    /// The same problem, with what it takes to ask all namespaces.
    fn explain(&self, problem: Problem) -> Problem {
        match self {
            Scope::All if problem.code == prepl_core::ExitCode::Denied => problem.hint(
                "-A and several -n need a role in all namespaces, by a ClusterRoleBinding; name \
                 one namespace with -n instead",
            ),
            _ => problem,
        }
    }

    /// The namespace of the access request, if it is not that of the context.
    pub fn namespace<'a>(&'a self, args: &'a ClusterArgs) -> Option<&'a str> {
        match self {
            Scope::One(namespace) => namespace.as_deref(),
            Scope::All => Some(&args.operator_namespace),
        }
    }
}

async fn look(
    cluster: &Cluster,
    args: &ClusterArgs,
    bundle: Bundle,
) -> Result<(Remote, Listed, Arc<AtomicUsize>), RemoteFailed> {
    let (cluster, args) = (cluster.clone(), args.clone());
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    let open = move || {
        let (cluster, args, counted) = (cluster.clone(), args.clone(), Arc::clone(&counted));
        async move {
            let stream = dial::open(&cluster, &args).await?;
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Problem>(stream)
        }
    };
    let remote = Remote::connect(&Credentials::fixed(bundle), open).await?;
    let listed = remote.list().await?;
    Ok((remote, listed, opened))
}

/// Whether another access may do better: this one ended, or is of another installation.
fn is_stale(failed: &RemoteFailed) -> bool {
    matches!(failed, RemoteFailed::Denied(_)) || failed.is_handshake()
}

/// What a gateway's failure means to the user.
pub fn problem(failed: &RemoteFailed) -> Problem {
    if let Some(own) = failed.opening::<Problem>() {
        return own.clone();
    }
    let told = Problem::of(failed);
    match failed {
        RemoteFailed::Denied(_) => Problem { code: prepl_core::ExitCode::Denied, ..told },
        RemoteFailed::Replica(_) => Problem { code: prepl_core::ExitCode::Unreachable, ..told },
        RemoteFailed::Refused(_) | RemoteFailed::Wire(_) | RemoteFailed::Unsigned(_) => told,
        RemoteFailed::Unreached(_) => told.hint("`prepl doctor` tells what is wrong on the way"),
    }
}
