//! Asking a running evaluation to stop: its deadline, or somebody's interrupt.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Why an evaluation was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Its time is over.
    Deadline,
    /// Somebody interrupted it, or nobody waits for it any more.
    Interrupt,
}

/// The end that an evaluation listens on.
#[derive(Debug)]
pub struct Stop {
    deadline: Instant,
    interrupt: watch::Receiver<bool>,
    asked: Option<Asked>,
}

/// The end that asks.
#[derive(Clone, Debug)]
pub struct Interrupter(watch::Sender<bool>);

/// A pair of ends for one evaluation that may take until `deadline`.
pub fn stop_at(deadline: Instant) -> (Interrupter, Stop) {
    let (sender, interrupt) = watch::channel(false);
    (Interrupter(sender), Stop { deadline, interrupt, asked: None })
}

impl Interrupter {
    /// Asks the evaluation to stop.
    pub fn interrupt(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Completes when the evaluation should stop.
    pub async fn asked(&mut self) {
        let interrupted = self.interrupt.wait_for(|asked| *asked);
        let asked = tokio::select! {
            // An interrupter that is gone is nobody who waits.
            _ = interrupted => Asked::Interrupt,
            () = sleep_until(self.deadline) => Asked::Deadline,
        };
        self.asked.get_or_insert(asked);
    }

    /// Why it was asked, if it was.
    pub fn why(&self) -> Option<Asked> {
        self.asked
    }

    /// When its time is over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}
