//! An orderly end: the first signal drains, the second ends at once, a deadline bounds both.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// How work ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// By itself, before or while draining.
    Finished(T),
    /// A second signal came while it drained.
    Aborted,
    /// It did not drain within its time.
    TooSlow,
}

/// SIGTERM, SIGINT and SIGHUP, from now on.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes the signals over from the system's defaults.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Runs `work`, which gets a future that completes when it should drain; that may take `limit`.
pub async fn until_drained<T, W: Future<Output = T>>(
    mut signals: Signals,
    limit: Duration,
    work: impl FnOnce(Drain) -> W,
) -> Ended<T> {
    let (begin, drain) = oneshot::channel();
    let work = work(Drain(drain));
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => return Ended::Finished(result),
        () = signals.next() => {}
    }
    tracing::info!("draining; a second signal ends at once");
    // The work may have dropped its end: then it needs no word.
    let _ = begin.send(());
    tokio::select! {
        result = &mut work => Ended::Finished(result),
        () = signals.next() => Ended::Aborted,
        () = tokio::time::sleep(limit) => Ended::TooSlow,
    }
}

/// Completes when the work should drain.
#[derive(Debug)]
pub struct Drain(oneshot::Receiver<()>);

impl Drain {
    /// Waits for the word to drain.
    pub async fn begun(self) {
        // A sender that is gone is a process that ends.
        let _ = self.0.await;
    }
}
