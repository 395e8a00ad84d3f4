//! Ending a run before its time.

use std::sync::Arc;

use prepl_core::report::Stopped;
use tokio::sync::watch;

/// Asks a run to end: nothing more starts, and running replicas are asked to interrupt.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<watch::Sender<Option<Stopped>>>);

/// The end that a replica's task listens on.
#[derive(Clone, Debug)]
pub(crate) struct StopSign(watch::Receiver<Option<Stopped>>);

pub(crate) fn stop() -> (Stopper, StopSign) {
    let (sender, receiver) = watch::channel(None);
    (Stopper(Arc::new(sender)), StopSign(receiver))
}

impl Stopper {
    /// Interrupts the run; asking again changes nothing.
    pub fn interrupt(&self) {
        self.stop(Stopped::Interrupted);
    }

    /// Ends the run of a user whose right to it is gone; asking again changes nothing.
    pub fn revoke(&self) {
        self.stop(Stopped::Revoked);
    }

    pub(crate) fn stop(&self, why: Stopped) {
        self.0.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert(why);
            first
        });
    }

    /// Why the run was asked to end, if it was.
    pub fn stopped(&self) -> Option<Stopped> {
        *self.0.borrow()
    }
}

impl StopSign {
    /// Completes when the run is asked to end; never, if it is not.
    pub(crate) async fn given(&mut self) -> Stopped {
        let given = self.0.wait_for(Option::is_some).await.ok().and_then(|why| *why);
        match given {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }
}

/// Why a replica was not started, in words.
pub(crate) fn reason(why: Stopped) -> &'static str {
    match why {
        Stopped::Interrupted => "the run was interrupted before its turn",
        Stopped::Deadline => "the deadline of the run passed before its turn",
        Stopped::Revoked => "the right to it was taken away before its turn",
    }
}
