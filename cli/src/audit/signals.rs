//! What ends a command from outside, so that it can still clear up.

use std::future::pending;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that ask to end; none when the system gives no word of them.
#[derive(Debug)]
pub struct Ends([Option<Signal>; 3]);

impl Ends {
    /// From here on they no longer end the process by themselves. Needs a tokio runtime.
    pub fn listen() -> Ends {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Ends(kinds.map(|kind| signal(kind).ok()))
    }

    /// The next one.
    pub async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            () = one(interrupt) => {}
            () = one(terminate) => {}
            () = one(hangup) => {}
        }
    }
}

async fn one(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}
