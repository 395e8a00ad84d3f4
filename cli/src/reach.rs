//! The way to the replicas: of a fleet's folder, or of a cluster.

pub(crate) mod folder;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prepl_core::{Query, Reason, Replica, Report, Selection, SessionName};
use prepl_crd::{AccessRequest, Mode};
use prepl_gateway::gateway::Described;
use prepl_gateway::local::Fleet;
use prepl_gateway::remote::RemoteRun;
use prepl_gateway::tunnel::Broke;
use prepl_gateway::{
    Grounds, Judged, NotGiven, Plan, RecordedRun, Request, Running, Tunnel, TunnelRecord,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use self::folder::Folder;
use crate::cluster::access::{self, Wanted};
use crate::cluster::context::Cluster;
use crate::cluster::fleet::{ClusterFleet, Scope, problem};
use crate::command::Global;
use crate::ids;
use crate::problem::Problem;
use crate::select;

/// How long the access of a command that lasts is to be good at least; a tunnel ends with it, and a
/// session is gone on with by another.
pub const LASTING: Duration = Duration::from_secs(3600);

/// The replicas that a command may choose from, and the way to them.
pub enum Reach {
    /// Of a folder; the gateway is in this process.
    Folder(Box<Folder>),
    /// Of a cluster.
    Cluster(Box<ClusterFleet>),
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
            let folder = Folder::of(open(Some(&path))?)?;
            return Ok(Reach::Folder(Box::new(folder)));
        }
        let Purpose { mode, lasting } = purpose;
        let fleet = ClusterFleet::open(&global.cluster, scope, mode, lasting).await?;
        Ok(Reach::Cluster(Box::new(fleet)))
    }

    /// Opens a cluster with an access of one's own, that no other command uses.
    pub async fn anew(
        global: &Global,
        scope: &Scope,
        wanted: Wanted,
    ) -> Result<(Reach, AccessRequest), Problem> {
        if global.fleet().is_some() {
            return Err(Problem::usage(
                "a fleet's folder has no approvals, so none can be skipped",
            )
            .hint("leave out --break-glass"));
        }
        let args = &global.cluster;
        let cluster = Cluster::open(args, scope.namespace(args)).await?;
        access::of_one_namespace(&cluster.namespace, &args.operator_namespace)?;
        let made = access::make(&cluster, wanted).await?;
        let fleet = ClusterFleet::with(args, cluster, made.bundle).await?;
        Ok((Reach::Cluster(Box::new(fleet)), made.request))
    }

    /// The same way with the replicas that there are now.
    ///
    /// An access that ended is asked for again; a gateway that went away is replaced by another.
    pub async fn again(
        &self,
        global: &Global,
        scope: &Scope,
        purpose: Purpose,
    ) -> Result<Reach, Problem> {
        match self {
            Reach::Folder(folder) => Ok(Reach::Folder(Box::new(folder.again()?))),
            Reach::Cluster(fleet) => match fleet.again().await? {
                Some(fleet) => Ok(Reach::Cluster(Box::new(fleet))),
                None => Reach::open(global, scope, purpose).await,
            },
        }
    }

    /// Whether both go by one access.
    pub fn has_access_of(&self, other: &Reach) -> bool {
        match (self, other) {
            (Reach::Folder(_), Reach::Folder(_)) => true,
            (Reach::Cluster(one), Reach::Cluster(other)) => one.remote.has_access_of(&other.remote),
            (Reach::Folder(_), Reach::Cluster(_)) | (Reach::Cluster(_), Reach::Folder(_)) => false,
        }
    }

    /// How many streams to gateways were opened so far; a folder's gateway is in this process.
    pub fn openings(&self) -> usize {
        match self {
            Reach::Folder(_) => 0,
            Reach::Cluster(fleet) => fleet.openings(),
        }
    }

    /// What tells this fleet from every other one of the user.
    pub fn fleet(&self) -> String {
        match self {
            Reach::Folder(folder) => folder.path().display().to_string(),
            // No name holds a zero byte, so that two different keys never read alike.
            Reach::Cluster(fleet) => [&*fleet.cluster.server, &fleet.cluster.namespace].join("\0"),
        }
    }

    /// All that may be chosen from.
    pub fn replicas(&self) -> &[Replica] {
        match self {
            Reach::Folder(folder) => folder.replicas(),
            Reach::Cluster(fleet) => &fleet.listed.replicas,
        }
    }

    /// Resolves a query, or says why it names nothing.
    pub fn resolve(&self, query: &Query) -> Result<Selection, Problem> {
        let selection = select::resolve(query, self.replicas());
        match self {
            Reach::Folder(_) => selection,
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
            Reach::Folder(folder) => Ok(folder.describe(selection, patience, width).await),
            Reach::Cluster(fleet) => {
                let told = fleet.remote.describe(selection, patience, width).await;
                told.map_err(|failed| problem(&failed))
            }
        }
    }

    /// Opens a tunnel to the REPL of a replica.
    pub async fn attach(&self, replica: &Replica) -> Result<Attached, Problem> {
        match self {
            Reach::Folder(folder) => {
                let (tunnel, record) = folder.attach(replica).await?;
                Ok(Attached { tunnel, record: Some(record) })
            }
            Reach::Cluster(fleet) => {
                let tunnel = fleet.remote.attach(ids::request()?, &replica.id.uid).await;
                let tunnel = tunnel.map_err(|failed| problem(&failed))?;
                Ok(Attached { tunnel, record: None })
            }
        }
    }

    /// Ends the session that the replicas keep for the user under a name. Gives how many had one;
    /// those that cannot be asked end it by themselves.
    pub async fn end_session(
        &self,
        selection: &Selection,
        name: &SessionName,
    ) -> Result<usize, Problem> {
        match self {
            Reach::Folder(folder) => Ok(folder.end_session(selection, name).await),
            Reach::Cluster(fleet) => {
                let ended = fleet.remote.end_session(selection, name).await;
                ended.map_err(|failed| problem(&failed))
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
            Reach::Folder(folder) => Ok((folder.judge(selection, request)?, 0)),
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
            Reach::Folder(folder) => {
                let run = folder.start(selection, plan, grounds).await?;
                Ok(Started::Here(Box::new(run)))
            }
            Reach::Cluster(fleet) => {
                let run = fleet.remote.because(grounds).run(selection, &plan).await;
                run.map(Started::There).map_err(|failed| problem(&failed))
            }
        }
    }

    /// Lines about the record of what happened; a gateway of a cluster tells its own log.
    pub fn warnings(&self) -> String {
        match self {
            Reach::Folder(folder) => folder.warnings(),
            Reach::Cluster(_) => String::new(),
        }
    }

    /// Waits until all that happened is recorded; a gateway of a cluster does that itself.
    pub async fn close(self) -> Result<(), Problem> {
        match self {
            Reach::Folder(folder) => folder.close().await,
            Reach::Cluster(_) => Ok(()),
        }
    }
}

/// An open tunnel, and whom to tell of its end.
pub struct Attached {
    tunnel: Tunnel,
    /// A gateway of a cluster knows by itself.
    record: Option<TunnelRecord>,
}

impl Attached {
    /// The protocol that the REPL speaks.
    pub fn driver(&self) -> Arc<str> {
        Arc::clone(&self.tunnel.driver)
    }

    /// Says the end, and waits for that of the REPL for a while.
    pub async fn close(self, patience: Duration) {
        // A REPL that does not take a good-bye is cut off.
        let _ = timeout(patience, self.tunnel.close()).await;
        ended(self.record, "closed").await;
    }

    /// Carries everything between a local client and the REPL, until both have ended.
    pub async fn carry(self, local: TcpStream) -> Result<(), Broke> {
        let carried = self.tunnel.carry(local).await;
        carried_to_the_end(self.record, &carried).await;
        carried
    }

    /// The same with a client in this process.
    pub async fn carry_between(
        self,
        read: impl AsyncRead + Unpin,
        write: impl AsyncWrite + Unpin,
    ) -> Result<(), Broke> {
        let carried = self.tunnel.carry_between(read, write).await;
        carried_to_the_end(self.record, &carried).await;
        carried
    }
}

async fn carried_to_the_end(record: Option<TunnelRecord>, carried: &Result<(), Broke>) {
    let why = carried.as_ref().err().map(ToString::to_string);
    ended(record, why.as_deref().unwrap_or("both sides ended")).await;
}

async fn ended(record: Option<TunnelRecord>, why: &str) {
    if let Some(record) = record {
        record.closed(&Reason::new(why)).await;
    }
}

/// What a plan asks for, as policies see it.
pub fn request(plan: &Plan, grounds: Grounds) -> Request {
    Request {
        mode: prepl_gateway::Mode::Eval,
        limits: plan.limits,
        expression: Some(plan.expression.clone()),
        read_only: plan.read_only,
        grounds,
    }
}

/// A run under way.
#[derive(Debug)]
pub enum Started {
    /// In this process.
    Here(Box<RecordedRun>),
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

    async fn input(&self, data: Bytes, end: bool) -> Result<(), NotGiven> {
        match self {
            Started::Here(run) => Running::input(&**run, data, end).await,
            Started::There(run) => Running::input(run, data, end).await,
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
