//! The logs of a cluster: every gateway is asked for its own.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use prepl_audit::Moment;
use prepl_core::ExitCode;
use prepl_crd::{Mode, right};
use prepl_gateway::{Remote, RemoteFailed};
use prepl_identity::{Bundle, Credentials};
use tokio::time::timeout;

use super::fetching::Fetching;
use super::logs::{LogFolder, Silent};
use super::store::Store;
use crate::cluster::context::Cluster;
use crate::cluster::dial::Gateway;
use crate::cluster::fleet::problem;
use crate::cluster::{ClusterArgs, access, dial};
use crate::problem::Problem;

/// The longest wait for a gateway's next word.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest that all logs may take.
const LASTING: Duration = Duration::from_secs(3600);

/// What is asked of every gateway.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The folder that the logs go to, each in one of its own.
    pub folder: &'a Path,
    /// Nothing older.
    pub since: Option<Moment>,
    /// Most bytes of one gateway.
    pub max_bytes: u64,
    /// The longest that one gateway may take, however steadily it sends.
    pub timeout: Duration,
}

/// Asks every gateway; a denial by one is a denial.
pub async fn fetch(
    cluster: &Cluster,
    args: &ClusterArgs,
    asked: Asked<'_>,
    fetching: &mut Fetching,
) -> Result<(Vec<LogFolder>, Vec<Silent>), Problem> {
    let gateways = dial::gateways(cluster, args).await?;
    // A fresh one: of an access that is kept, a denial would not tell what is missing.
    let bundle = access::renew(cluster, Mode::Inspect, LASTING).await;
    let bundle = bundle.map_err(|problem| unasked(problem, &args.operator_namespace))?;
    let (mut logs, mut silent) = (Vec::new(), Vec::new());
    for (number, gateway) in gateways.iter().enumerate() {
        let name = name(gateway).to_owned();
        let path = asked.folder.join(number.to_string());
        fetching.begin(&name);
        let store = Store::in_folder(&path, asked.max_bytes).map_err(|error| unkept(&error))?;
        let told = one((cluster, args, gateway), bundle.clone(), asked.since, store, fetching);
        let told = timeout(asked.timeout, told).await;
        match told.unwrap_or_else(|_| Err(too_slow(asked.timeout))) {
            Ok(()) => logs.push(LogFolder { name, path }),
            Err(why) if why.code == ExitCode::Denied => return Err(why),
            Err(why) => silent.push(Silent { gateway: name, why }),
        }
    }
    fetching.end();
    Ok((logs, silent))
}

async fn one(
    (cluster, args, gateway): (&Cluster, &ClusterArgs, &Gateway),
    bundle: Bundle,
    since: Option<Moment>,
    mut store: Store,
    fetching: &mut Fetching,
) -> Result<(), Problem> {
    if let Gateway::Pod { ready: false, .. } = gateway {
        return Err(Problem::failed("its pod is not ready")
            .hint("see: kubectl get pods, in the namespace that prepl is installed in"));
    }
    let (cluster, args, gateway) = (cluster.clone(), args.clone(), gateway.clone());
    let open = move || {
        let (cluster, args, gateway) = (cluster.clone(), args.clone(), gateway.clone());
        async move { dial::open_to(&cluster, &args, &gateway).await }
    };
    let credentials = Credentials::fixed(bundle);
    let since = since.map(|since| SystemTime::UNIX_EPOCH + since.since(Moment::from_millis(0)));
    let remote = in_time(Remote::connect(&credentials, open)).await?;
    let mut files = in_time(remote.audit(since)).await?;
    while let Some(part) = in_time(files.next()).await? {
        store.keep(part).map_err(Problem::failed)?;
        fetching.has(store.bytes());
    }
    Ok(())
}

async fn in_time<T>(waiting: impl Future<Output = Result<T, RemoteFailed>>) -> Result<T, Problem> {
    match timeout(PATIENCE, waiting).await {
        Ok(told) => told.map_err(|failed| problem(&failed)),
        Err(_) => Err(Problem::failed("it said nothing for a minute")),
    }
}

fn too_slow(timeout: Duration) -> Problem {
    Problem::failed(format!("it did not send its whole log in {} s", timeout.as_secs_f64()))
        .hint("allow more with --timeout, or ask for less with --since")
}

fn name(gateway: &Gateway) -> &str {
    match gateway {
        Gateway::Address(address) => address,
        Gateway::Pod { name, .. } => name,
    }
}

fn unasked(problem: Problem, namespace: &str) -> Problem {
    match problem.code {
        ExitCode::Denied => problem.hint(right::missing_audit(namespace)),
        _ => problem,
    }
}

fn unkept(error: &io::Error) -> Problem {
    Problem::failed(format!("cannot keep what the gateways tell: {error}"))
        .hint("look at the disk, or name another one with TMPDIR")
}
