//! Assembly: from arguments to a serving sidecar.

use std::future::Future;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::Limits;
use prepl_identity::{Bundle, BundleError, Credentials, Holder};
use prepl_runtime::log::NoLogs;
use prepl_runtime::shutdown::{Ended, Signals, until_drained};
use prepl_script::Sight;
use tokio::net::TcpListener;

use crate::args::{Cli, Command, Serve};
use crate::budget::MAX_VALUE;
use crate::evaluator::Evaluator;
use crate::serve::serve;
use crate::service::Service;
use crate::session::Sessions;

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
    let bound = bind(args).await?;
    let address = bound.address().map_err(CannotServe::System)?;
    tracing::info!(%address, driver = args.repl.driver(), uid = %bound.uid, "serving");
    let ended = until_drained(signals, DRAIN_LIMIT, |drain| bound.serve(drain.begun())).await;
    match ended {
        Ended::Finished(served) => served,
        Ended::Aborted | Ended::TooSlow => {
            tracing::warn!("ended with evaluations still running");
            Ok(())
        }
    }
}

/// Why a sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotServe {
    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
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
    sessions: Arc<Sessions>,
    service: Service,
}

/// Checks everything and binds the address; nothing is asked of the app yet.
pub async fn bind(args: &Serve) -> Result<Bound, CannotServe> {
    let credentials = Credentials::from_file(&args.bundle)?;
    let uid = sidecar_uid(&credentials.current())?;
    let listen = |source| CannotServe::Listen { address: args.listen, source };
    let listener = TcpListener::bind(args.listen).await.map_err(listen)?;
    let sight = Sight { roots: args.roots.clone(), ..Sight::default() };
    let sessions = Sessions::new(args.repl, sight);
    let evaluator = Evaluator::new(Arc::clone(&sessions), ceiling());
    let service = Service::new(Arc::clone(&uid), Arc::clone(&sessions), evaluator);
    Ok(Bound { listener, uid, credentials, sessions, service })
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
        let upkeep = tokio::spawn(upkeep(self.credentials.clone(), self.sessions));
        let served = serve(self.listener, &self.credentials, self.service, stop).await;
        upkeep.abort();
        Ok(served?)
    }
}

async fn upkeep(credentials: Credentials, sessions: Arc<Sessions>) {
    let reload = async {
        loop {
            match credentials.changed_on_disk(LOOK_EVERY).await {
                Ok(()) => tracing::info!("new certificate in use"),
                Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
            }
        }
    };
    let retire = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            sessions.retire_idle(tokio::time::Instant::now()).await;
        }
    };
    tokio::join!(reload, retire);
}
