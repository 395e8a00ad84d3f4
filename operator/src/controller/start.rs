//! The controller's parts, started in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use prepl_identity::{Acceptor, Credentials, IssueError, Name, NameError};
use prepl_proto::v1::enrolment_server::EnrolmentServer;
use prepl_runtime::seldom::Seldom;
use prepl_runtime::shutdown::{Ended, Signals, until_drained};
use prepl_runtime::{admin, door};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time;

use super::authority;
use super::enrolment::EnrolmentService;
use super::inject::SidecarSettings;
use super::lease::Candidate;
use super::metrics::Metrics;
use super::settings::Args;
use super::trust::{Authorities, Trust};
use super::webhook::{self, Webhook};
use super::{access, canary, listener, notary};

/// How long it may take to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How soon again after the cluster could not be used.
const AGAIN: Duration = Duration::from_secs(5);
/// The most bytes of one message of a pod that enrols.
const MAX_MESSAGE_BYTES: usize = 32 * 1024;

/// Why the controller ended.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// No way to the API server.
    #[error("cannot find the API server; run in a pod, or set KUBECONFIG")]
    NoCluster(#[source] Box<kube::Error>),
    /// A port is taken.
    #[error("cannot listen at {0}; end what listens there, or name another port")]
    Listen(SocketAddr, #[source] io::Error),
    /// A server ended.
    #[error("a server ended")]
    Serve(#[from] io::Error),
    /// The pod's UID is no name.
    #[error("the pod's UID cannot stand in a certificate: {0}")]
    Name(#[from] NameError),
    /// No certificate of its own.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// Runs until a signal, or until something fails for good.
pub async fn run(args: Args) -> Result<(), Stopped> {
    let signals = Signals::listen()?;
    let client = Client::try_default().await.map_err(|error| Stopped::NoCluster(error.into()))?;
    let mut candidate = Candidate::new(client.clone(), &args.namespace, &args.pod_uid);
    let work = |drain: prepl_runtime::shutdown::Drain| async move {
        let ended = tokio::select! {
            ended = serve(&args, client, &mut candidate) => ended,
            () = drain.begun() => Ok(()),
        };
        candidate.release().await;
        ended
    };
    match until_drained(signals, DRAIN, work).await {
        Ended::Finished(ended) => ended,
        Ended::Aborted | Ended::TooSlow => Ok(()),
    }
}

async fn serve(args: &Args, client: Client, candidate: &mut Candidate) -> Result<(), Stopped> {
    let metrics = Arc::new(Metrics::default());
    let admin_port = bind(args.admin_listen)?;
    let admin = admin::serve(admin_port, Arc::clone(&metrics) as Arc<dyn admin::Vitals>);
    tokio::select! {
        ended = admin => Ok(ended?),
        ended = work(args, &metrics, client, candidate) => ended,
    }
}

async fn work(
    args: &Args,
    metrics: &Arc<Metrics>,
    client: Client,
    candidate: &mut Candidate,
) -> Result<(), Stopped> {
    let (trust, authorities) = watch::channel(established(&client, args).await);
    let authorities = Authorities::new(authorities);
    let name = Name::controller(&args.trust_domain, &args.pod_uid)?;
    let credentials = authority::serving(&authorities.current(), args, &name)?;
    let hook = serve_webhook(args, &client, &authorities, &credentials, metrics);
    let enrolment = serve_enrolment(args, &client, &authorities, &credentials, metrics);
    // All try the policy, so that the next leader knows at once since when it holds.
    let (tried, holds_since) = watch::channel(None);
    let canary = canary::watch(client.clone(), args.namespace.clone(), tried, Arc::clone(metrics));
    metrics.set_ready();
    tokio::select! {
        ended = hook => ended,
        ended = enrolment => ended,
        () = candidate.lead(metrics, || led(args, &client, &authorities, &holds_since, metrics)) => Ok(()),
        () = canary => Ok(()),
        () = metrics.breaker.watch(client.clone()) => Ok(()),
        () = authority::keep(&client, args, &trust) => Ok(()),
        () = authority::renew(authorities.clone(), args, &name, &credentials) => Ok(()),
    }
}

/// What one controller does for all, while it leads.
async fn led(
    args: &Args,
    client: &Client,
    authorities: &Authorities,
    policy_holds_since: &watch::Receiver<Option<Timestamp>>,
    metrics: &Arc<Metrics>,
) {
    let accesses = access::run(access::Context {
        client: client.clone(),
        authorities: authorities.clone(),
        policy_holds_since: policy_holds_since.clone(),
        metrics: Arc::clone(metrics),
        owing: tokio::sync::Mutex::default(),
    });
    let checkpoints = notary::run(client.clone(), &args.namespace, Arc::clone(metrics));
    tokio::select! {
        () = accesses => {}
        () = checkpoints => {}
    }
}

/// The authority, published; waits for a cluster that is not there yet.
async fn established(client: &Client, args: &Args) -> Arc<Trust> {
    loop {
        match authority::establish(client, args).await {
            Ok(trust) => return trust,
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "no authority yet");
                time::sleep(AGAIN).await;
            }
        }
    }
}

async fn serve_webhook(
    args: &Args,
    client: &Client,
    authorities: &Authorities,
    credentials: &Credentials,
    metrics: &Arc<Metrics>,
) -> Result<(), Stopped> {
    let router = webhook::router(Webhook {
        client: client.clone(),
        settings: SidecarSettings {
            image: args.sidecar_image.clone(),
            enrol: args.enrol_address.to_string(),
            authorities: authorities.current().anchors.clone(),
            trust_domain: args.trust_domain.to_string(),
            namespace: args.namespace.clone(),
            resources: args.sidecar_resources.clone(),
        },
        authorities: authorities.clone(),
        breaker: Arc::clone(&metrics.breaker),
        metrics: Arc::clone(metrics),
        events: Seldom::new(Instant::now()),
    });
    serve_router(args.webhook_listen, credentials, router).await
}

async fn serve_enrolment(
    args: &Args,
    client: &Client,
    authorities: &Authorities,
    credentials: &Credentials,
    metrics: &Arc<Metrics>,
) -> Result<(), Stopped> {
    let service = EnrolmentService {
        client: client.clone(),
        authorities: authorities.clone(),
        lifetime: args.certificate_lifetime,
        domain: args.trust_domain.clone(),
        namespace: args.namespace.clone(),
        metrics: Arc::clone(metrics),
    };
    let server = EnrolmentServer::new(service).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let router = tonic::service::Routes::new(server).into_axum_router();
    serve_router(args.enrol_listen, credentials, router).await
}

async fn serve_router(
    address: SocketAddr,
    credentials: &Credentials,
    router: axum::Router,
) -> Result<(), Stopped> {
    let acceptor = Acceptor::without_client(credentials);
    let secure = move |socket| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept_anyone(socket).await }
    };
    let listener = listener::listen(bind(address)?, secure)?;
    Ok(axum::serve(listener, router).await?)
}

fn bind(address: SocketAddr) -> Result<TcpListener, Stopped> {
    door::listen(address).map_err(|error| Stopped::Listen(address, error))
}
