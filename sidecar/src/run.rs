//! Assembly: from arguments to a serving sidecar.

use std::future::Future;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::Limits;
use prepl_identity::{Bundle, BundleError, Credentials, Holder, NameError};
use prepl_runtime::door;
use prepl_runtime::log::NoLogs;
use prepl_runtime::shutdown::{Ended, Signals, until_drained};
use prepl_script::Sight;
use tokio::net::TcpListener;

use crate::args::{Cli, Command, Serve, Source};
use crate::budget::MAX_VALUE;
use crate::claims::Claims;
use crate::evaluator::Evaluator;
use crate::serve::serve;
use crate::service::Service;
use crate::session::Sessions;
use crate::tunnel::Tunnels;
use prepl_runtime::enrol::Enrolment;

/// How often a changed bundle and idle sessions are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Longest wait for running evaluations when the sidecar is told to end; below the 30 s that
/// Kubernetes gives a pod.
const DRAIN_LIMIT: Duration = Duration::from_secs(25);

/// Runs `prepl-sidecar`: exit code 0 after a drain, 1 when it cannot serve.
pub fn main(cli: &Cli) -> ExitCode {
    let Command::Serve(args) = &cli.command;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map_err(CannotServe::System).and_then(|runtime| {
        cli.log.init()?;
        runtime.block_on(until_told(args))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn until_told(args: &Serve) -> Result<(), CannotServe> {
    let signals = Signals::listen().map_err(CannotServe::System)?;
    let ended =
        until_drained(signals, DRAIN_LIMIT, |drain| bind_and_serve(args, drain.begun())).await;
    match ended {
        Ended::Finished(served) => served,
        Ended::Aborted | Ended::TooSlow => {
            tracing::warn!("ended with evaluations still running");
            Ok(())
        }
    }
}

/// To bind may last for as long as the controller is away; `stop` ends that too.
async fn bind_and_serve(args: &Serve, stop: impl Future<Output = ()>) -> Result<(), CannotServe> {
    let mut stop = pin!(stop);
    let bound = tokio::select! {
        bound = bind(args) => bound?,
        () = &mut stop => return Ok(()),
    };
    let address = bound.address().map_err(CannotServe::System)?;
    tracing::info!(%address, driver = args.repl.endpoint.driver(), uid = %bound.uid, "serving");
    bound.serve(stop).await
}

/// Why a sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotServe {
    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Neither a bundle nor all that enrolment needs.
    #[error("there is no certificate; give --bundle, or --enrol with all of its flags")]
    NoCertificate,
    /// The pod's UID is none.
    #[error("PREPL_POD_UID is no UID: {0}")]
    PodUid(#[from] NameError),
    /// The bundle belongs to a user or a gateway.
    #[error("the bundle belongs to {0}, not to a sidecar; `prepl fleet add` writes one for it")]
    NotASidecar(Holder),
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {source}; is another sidecar running there? choose one with --listen"
    )]
    Listen {
        /// What `--listen` says.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The logs cannot be set up.
    #[error(transparent)]
    Logs(#[from] NoLogs),
    /// The system refuses what every daemon needs.
    #[error("the system refused: {0}")]
    System(#[source] io::Error),
    /// The server failed.
    #[error("the server failed: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// A sidecar that has its address and does not serve yet.
pub struct Bound {
    listener: TcpListener,
    uid: Arc<str>,
    credentials: Credentials,
    enrolment: Option<Enrolment>,
    sessions: Arc<Sessions>,
    tunnels: Arc<Tunnels>,
    service: Service,
}

/// Binds the address and gets the certificate, however long that lasts; nothing is asked of the app yet.
pub async fn bind(args: &Serve) -> Result<Bound, CannotServe> {
    let listener = door::listen(args.listen)
        .map_err(|source| CannotServe::Listen { address: args.listen, source })?;
    let (credentials, enrolment) = credentials(&args.source).await?;
    let uid = sidecar_uid(&credentials.current())?;
    let sight = Sight { roots: args.roots.clone(), ..Sight::default() };
    let sessions = Sessions::new(args.repl.clone(), sight);
    let evaluator = Evaluator::new(Arc::clone(&sessions), ceiling());
    let tunnels = Arc::new(Tunnels::to(args.repl.endpoint));
    let (own, kept) = (credentials.clone(), Arc::clone(&sessions));
    let claims = Claims::new(credentials.clone(), args.source.place());
    let service = Service::new(own, kept, evaluator, Arc::clone(&tunnels), claims);
    Ok(Bound { listener, uid, credentials, enrolment, sessions, tunnels, service })
}

async fn credentials(source: &Source) -> Result<(Credentials, Option<Enrolment>), CannotServe> {
    if let Some(path) = &source.bundle {
        return Ok((Credentials::from_file(path)?, None));
    }
    let mut enrolment = source.enrolment().ok_or(CannotServe::NoCertificate)??;
    enrolment.recall();
    let bundle = enrolment.enrol().await;
    Ok((Credentials::fixed(bundle), Some(enrolment)))
}

fn sidecar_uid(bundle: &Bundle) -> Result<Arc<str>, CannotServe> {
    match &bundle.name().holder {
        Holder::Sidecar { uid } => Ok(uid.as_str().into()),
        other => Err(CannotServe::NotASidecar(other.clone())),
    }
}

/// What no evaluation exceeds: the ranges of the protocol, and for values what fits the budget.
fn ceiling() -> Limits {
    let (_, time) = Limits::TIME_RANGE;
    let (_, bytes) = Limits::BYTES_RANGE;
    Limits::new(time, MAX_VALUE, bytes).unwrap_or_default()
}

impl Bound {
    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` completes.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), CannotServe> {
        let upkeep = tokio::spawn(upkeep(self.credentials.clone(), self.enrolment, self.sessions));
        let stop = async {
            stop.await;
            self.tunnels.end();
        };
        let served = serve(self.listener, &self.credentials, self.service, stop).await;
        upkeep.abort();
        Ok(served?)
    }
}

async fn upkeep(credentials: Credentials, enrolment: Option<Enrolment>, sessions: Arc<Sessions>) {
    let renew = async {
        if let Some(enrolment) = enrolment {
            enrolment.keep_fresh(&credentials).await;
        }
    };
    let reload = async {
        loop {
            match credentials.changed_on_disk(LOOK_EVERY).await {
                Ok(()) => {
                    let name = credentials.current().name().to_string();
                    tracing::info!(%name, "new certificate in use");
                }
                Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
            }
        }
    };
    let retire = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            sessions.retire(tokio::time::Instant::now()).await;
        }
    };
    tokio::join!(reload, renew, retire);
}
