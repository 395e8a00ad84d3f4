//! The gateway's parts, started in order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use prepl_audit::{Log, OpenError, Settings};
use prepl_gateway::{Dialer, Recorder, Scripts};
use prepl_identity::{Credentials, Name, NameError};
use prepl_proto::v1::gateway_server::GatewayServer;
use prepl_runtime::enrol::Enrolment;
use prepl_runtime::shutdown::{Drain, Ended, Signals, until_drained};
use prepl_runtime::{admin, door};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, timeout};
use tonic::service::Routes;

use super::access::Accesses;
use super::anchor;
use super::audit::AuditFiles;
use super::denials::Denials;
use super::doorkeeper::AccessOnly;
use super::fleet::Fleet;
use super::judging::Judges;
use super::metrics::Metrics;
use super::policies::Policies;
use super::recent::Recent;
use super::rights::Rights;
use super::service::GatewayService;
use super::settings::Args;

/// Connections at a time.
pub const MAX_CONNECTIONS: usize = 1024;
/// The largest message of a caller: an expression of 1 MiB and 10,000 UIDs.
pub const MAX_MESSAGE: usize = 3 << 20;
/// How often connections to pods that are gone are closed.
const SWEEP: Duration = Duration::from_secs(30);
/// How long the controller is waited for when the audit log is closed.
const LAST_END: Duration = Duration::from_secs(6);

/// Why the gateway ended.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// No way to the API server.
    #[error("cannot find the API server; run in a pod, or set KUBECONFIG")]
    NoCluster(#[source] Box<kube::Error>),
    /// A port is taken.
    #[error("cannot listen at {0}; end what listens there, or name another port")]
    Listen(SocketAddr, #[source] io::Error),
    /// The public authorities cannot be read.
    #[error("cannot read the authorities {}; the controller writes them", .0.display())]
    Authorities(PathBuf, #[source] io::Error),
    /// A server ended.
    #[error("a server ended")]
    Admin(#[from] io::Error),
    /// The gRPC server ended.
    #[error("the server failed")]
    Serve(#[from] tonic::transport::Error),
    /// The audit log cannot be taken up.
    #[error(transparent)]
    Audit(#[from] OpenError),
    /// The pod's UID is no name.
    #[error("the pod's UID cannot stand in a certificate: {0}")]
    Name(#[from] NameError),
}

/// Runs until a signal, or until something fails for good.
pub async fn run(args: Args) -> Result<(), Stopped> {
    let signals = Signals::listen()?;
    match until_drained(signals, args.drain, |drain| serve(args, drain)).await {
        Ended::Finished(ended) => ended,
        Ended::Aborted | Ended::TooSlow => {
            tracing::warn!("ended with runs still under way; their callers ask another gateway");
            Ok(())
        }
    }
}

async fn serve(args: Args, drain: Drain) -> Result<(), Stopped> {
    let metrics = Arc::new(Metrics::default());
    let vitals = Arc::clone(&metrics) as Arc<dyn admin::Vitals>;
    let admin = admin::serve(bind(args.admin_listen)?, vitals);
    tokio::select! {
        ended = admin => Ok(ended?),
        ended = work(&args, &metrics, drain) => ended,
    }
}

async fn work(args: &Args, metrics: &Arc<Metrics>, drain: Drain) -> Result<(), Stopped> {
    let mut stop = pin!(drain.begun());
    let started = tokio::select! {
        started = start(args, metrics) => started?,
        () = &mut stop => return Ok(()),
    };
    let Started { listener, credentials, enrolment, service, anchored, tasks: _tasks } = started;
    metrics.set_ready(true);
    tracing::info!(address = %args.listen, "serving");
    let (fleet, dialer) = (service.fleet.clone(), service.dialer.clone());
    let recorder = service.recorder.clone();
    let routes = Routes::new(GatewayServer::new(service).max_decoding_message_size(MAX_MESSAGE));
    let stop = async {
        stop.await;
        metrics.set_ready(false);
        tracing::info!("told to end: runs that are under way go on, new ones are not taken");
    };
    let doorkeeper = AccessOnly::default();
    tokio::select! {
        ended = door::serve(listener, &credentials, MAX_CONNECTIONS, doorkeeper, routes, stop) => ended?,
        () = enrolment.keep_fresh(&credentials) => {}
        () = sweep(&fleet, &dialer) => {}
    }
    // What cannot be written at the end was told when it happened.
    let _ = recorder.close().await;
    // The end is told once more; when nobody listens, the next start tells it.
    let _ = timeout(LAST_END, anchored).await;
    Ok(())
}

struct Started {
    listener: TcpListener,
    credentials: Credentials,
    enrolment: Enrolment,
    service: GatewayService,
    /// Ends after the audit log.
    anchored: JoinHandle<()>,
    /// The watches; they end with it.
    tasks: JoinSet<()>,
}

/// Everything that has to be there before the first call; waits for as long as it takes.
async fn start(args: &Args, metrics: &Arc<Metrics>) -> Result<Started, Stopped> {
    let client = Client::try_default().await.map_err(|error| Stopped::NoCluster(error.into()))?;
    let listener = bind(args.listen)?;
    let recorder = Recorder::new(Log::open(&args.audit_folder, audit_settings(args)).await?);
    // It is set once, here.
    let _ = metrics.written.set(recorder.log().written());
    let tail = recorder.log().tail();
    let anchored =
        tokio::spawn(anchor::keep(client.clone(), &args.namespace, &args.pod_name, tail));
    let mut tasks = JoinSet::new();
    let fleet = Fleet::watch(&client, &mut tasks);
    let policies = Policies::watch(&client, &mut tasks);
    let mut enrolment = enrolment(args)?;
    let credentials = Credentials::fixed(enrolment.enrol().await);
    // The watches live as long as `tasks` does.
    let _ = fleet.ready().await;
    // Without them nothing may run: a policy that was not heard of would not be held.
    let _ = policies.ready().await;
    let service = GatewayService {
        accesses: Accesses::new(client.clone(), &args.namespace),
        rights: Rights::new(client),
        judges: Judges { policies, scripts: Scripts::new(), recent: Recent::default() },
        fleet,
        dialer: Dialer::new(&credentials),
        recorder,
        denials: Denials::default(),
        audit_files: AuditFiles::in_folder(&args.audit_folder),
        metrics: Arc::clone(metrics),
    };
    Ok(Started { listener, credentials, enrolment, service, anchored, tasks })
}

fn audit_settings(args: &Args) -> Settings {
    let program = concat!("prepl-operator ", env!("CARGO_PKG_VERSION"));
    Settings { keep_bytes: args.audit_keep_bytes, ..Settings::new(program) }
}

fn enrolment(args: &Args) -> Result<Enrolment, Stopped> {
    let path = &args.authorities_file;
    let authorities =
        std::fs::read_to_string(path).map_err(|error| Stopped::Authorities(path.clone(), error))?;
    Ok(Enrolment {
        address: args.enrol_address.clone(),
        token_file: args.token_file.clone(),
        name: Name::gateway(&args.trust_domain, &args.pod_uid)?,
        authorities,
        // The ConfigMap of the arguments is kept fresh.
        state: None,
    })
}

/// Closes connections to pods that are gone, for ever.
async fn sweep(fleet: &Fleet, dialer: &Dialer) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        let there = fleet.uids();
        dialer.keep_only(|uid| there.contains(uid));
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Stopped> {
    door::listen(address).map_err(|error| Stopped::Listen(address, error))
}
