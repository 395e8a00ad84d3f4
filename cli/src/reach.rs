//! The way to the replicas: of a fleet's folder, or of a cluster.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use prepl_core::{ExitCode, Outcome, Query, Reason, Refusal, Replica, Report, Selection};
use prepl_crd::Mode;
use prepl_gateway::gateway::Described;
use prepl_gateway::local::{Fleet, FleetUser};
use prepl_gateway::remote::RemoteRun;
use prepl_gateway::{Dialer, Gateway, Grounds, Judged, Plan, Request, Run, Running, Tunnel};
use tokio::runtime::{Builder, Runtime};

use crate::cluster::fleet::{ClusterFleet, Scope, problem};
use crate::command::Global;
use crate::ids;
use crate::problem::Problem;
use crate::select;

/// How long a replica may take to open a tunnel.
const ATTACH_PATIENCE: Duration = Duration::from_secs(10);

/// The replicas that a command may choose from, and the way to them.
pub enum Reach {
    /// Of a folder; the gateway is in this process.
    Folder(Fleet, FleetUser),
    /// Of a cluster.
    Cluster(ClusterFleet),
}

/// What a command is going to do there.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// The right that it needs.
    pub mode: Mode,
    /// The longest that it can take.
    pub lasting: Duration,
}

impl Reach {
    /// Opens the fleet's folder that the user chose, else the cluster of his kubeconfig.
    pub async fn open(global: &Global, scope: &Scope, purpose: Purpose) -> Result<Reach, Problem> {
        if let Some(path) = global.fleet() {
            let fleet = open(Some(&path))?;
            let user = fleet.user().map_err(|error| Problem::of(&error))?;
            return Ok(Reach::Folder(fleet, user));
        }
        let Purpose { mode, lasting } = purpose;
        ClusterFleet::open(&global.cluster, scope, mode, lasting).await.map(Reach::Cluster)
    }

    /// All that may be chosen from.
    pub fn replicas(&self) -> &[Replica] {
        match self {
            Reach::Folder(fleet, _) => fleet.replicas(),
            Reach::Cluster(fleet) => &fleet.listed.replicas,
        }
    }

    /// Resolves a query, or says why it names nothing.
    pub fn resolve(&self, query: &Query) -> Result<Selection, Problem> {
        let selection = select::resolve(query, self.replicas());
        match self {
            Reach::Folder(..) => selection,
            Reach::Cluster(fleet) => selection.map_err(|problem| match fleet.emptiness() {
                Some(empty) if query.names_something() => empty,
                _ => fleet.explain(problem),
            }),
        }
    }

    /// Asks every replica what it is.
    pub async fn describe(
        &self,
        selection: &Selection,
        patience: Duration,
        width: NonZeroUsize,
    ) -> Result<Vec<Described>, Problem> {
        match self {
            Reach::Folder(_, user) => {
                let gateway: Gateway<Dialer> = Gateway::new(user.dialer());
                Ok(gateway.describe(selection, patience, width).await)
            }
            Reach::Cluster(fleet) => {
                let told = fleet.remote.describe(selection, patience, width).await;
                told.map_err(|failed| problem(&failed))
            }
        }
    }

    /// Opens a tunnel to the REPL of a replica.
    pub async fn attach(&self, replica: &Replica) -> Result<Tunnel, Problem> {
        match self {
            Reach::Folder(_, user) => {
                let selection = Selection::of(vec![replica.clone()]);
                let permit = user.permit_to_attach(&selection).map_err(Problem::denied)?;
                let tunnel = Gateway::new(user.dialer()).attach(permit, ATTACH_PATIENCE).await;
                tunnel.map_err(|outcome| no_tunnel(&outcome))
            }
            Reach::Cluster(fleet) => {
                let tunnel = fleet.remote.attach(ids::request()?, &replica.id.uid).await;
                tunnel.map_err(|failed| problem(&failed))
            }
        }
    }

    /// Asks what the policies say; nothing is sent to a replica. Gives also how many are gone.
    pub async fn judge(
        &self,
        selection: &Selection,
        request: &Request,
    ) -> Result<(Judged, usize), Problem> {
        match self {
            Reach::Folder(_, user) => {
                let verdicts = user.judge(selection, request).map_err(Problem::denied)?;
                Ok((verdicts.judged().clone(), 0))
            }
            Reach::Cluster(fleet) => {
                let judged = fleet.remote.judge(selection, request).await;
                judged.map_err(|failed| problem(&failed))
            }
        }
    }

    /// Starts a plan; a denial comes before anything is sent to a replica.
    pub async fn start(
        &self,
        selection: &Selection,
        plan: Plan,
        grounds: Grounds,
    ) -> Result<Started, Problem> {
        match self {
            Reach::Folder(_, user) => {
                let request = request(&plan, grounds);
                let permit = user.permit(selection, &request).map_err(Problem::denied)?;
                Ok(Started::Here(Gateway::new(user.dialer()).run(permit, plan)))
            }
            Reach::Cluster(fleet) => {
                let run = fleet.remote.because(grounds).run(selection, &plan).await;
                run.map(Started::There).map_err(|failed| problem(&failed))
            }
        }
    }
}

/// What a plan asks for, as policies see it.
pub fn request(plan: &Plan, grounds: Grounds) -> Request {
    Request {
        mode: prepl_gateway::Mode::Eval,
        limits: plan.limits,
        expression: Some(plan.expression.clone()),
        grounds,
    }
}

fn no_tunnel(outcome: &Outcome) -> Problem {
    let words = outcome.reason().map(Reason::as_str).unwrap_or_default();
    let code = match outcome {
        Outcome::Refused(Refusal::Denied(_)) => ExitCode::Denied,
        _ => ExitCode::Unreachable,
    };
    Problem { code, ..Problem::failed(words) }
}

/// A run under way.
#[derive(Debug)]
pub enum Started {
    /// In this process.
    Here(Run),
    /// At a gateway of a cluster.
    There(RemoteRun),
}

impl Running for Started {
    async fn next(&mut self) -> Option<Report> {
        match self {
            Started::Here(run) => run.next().await,
            Started::There(run) => run.next().await,
        }
    }

    fn interrupt(&self) {
        match self {
            Started::Here(run) => run.stopper().interrupt(),
            Started::There(run) => run.interrupt(),
        }
    }
}

/// Opens the fleet's folder that the user chose.
pub fn open(path: Option<&Path>) -> Result<Fleet, Problem> {
    Fleet::open(chosen(path)?).map_err(|error| Problem::of(&error))
}

/// The folder that the user chose.
pub fn chosen(path: Option<&Path>) -> Result<&Path, Problem> {
    path.ok_or_else(|| {
        Problem::usage("no fleet named").hint(
            "name its folder with --fleet PATH or PREPL_FLEET; \
             make one with: prepl fleet init, or try: prepl demo",
        )
    })
}

/// Two threads do the work of a thousand replicas; more would only cost start-up time.
pub fn runtime() -> Result<Runtime, Problem> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Problem::failed(format!("cannot start: {error}")))
}
