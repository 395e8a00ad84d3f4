//! What the processes that the demo starts do; both end when their standard input closes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::thread;

use prepl_sidecar::args::Serve;
use prepl_sidecar::run::bind;
use tokio::sync::oneshot;

use crate::args::Service;

/// A seed: pretended sessions are the same at every start.
const SEED: u64 = 7;
const CACHE_TTL: u32 = 300;

/// Plays the service.
pub fn service(figures: Service) -> ExitCode {
    thread::spawn(|| {
        until_stdin_closes();
        std::process::exit(0)
    });
    let config = session_store::Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        version: figures.version,
        zone: figures.zone,
        sessions: figures.sessions,
        cache_generation: figures.cache_generation,
        cache_size: figures.cache_size,
        cache_ttl: CACHE_TTL,
        features: figures.features,
        seed: SEED,
    };
    told(session_store::run(config).map_err(|unusable| unusable.to_string()))
}

/// Plays a sidecar, and says first where it listens.
pub fn sidecar(serve: &Serve) -> ExitCode {
    let (end, ended) = oneshot::channel();
    thread::spawn(|| {
        until_stdin_closes();
        // The sidecar may be gone already.
        let _ = end.send(());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            let bound = bind(serve).await.map_err(|problem| problem.to_string())?;
            let address = bound.address().map_err(|error| error.to_string())?;
            writeln!(io::stdout(), "{address}").map_err(|error| error.to_string())?;
            let stop = async {
                // A sender that is gone is an end too.
                let _ = ended.await;
            };
            bound.serve(stop).await.map_err(|problem| problem.to_string())
        })
    });
    told(served)
}

fn until_stdin_closes() {
    let mut nothing = [0; 64];
    while matches!(io::stdin().read(&mut nothing), Ok(1..)) {}
}

fn told(ended: Result<(), String>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // With standard error closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {problem}");
            ExitCode::FAILURE
        }
    }
}
