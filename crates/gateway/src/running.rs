//! A run under way, in this process or at a gateway of a cluster.

use std::future::Future;

use crate::recorded_run::RecordedRun;
use crate::remote::RemoteRun;
use prepl_core::Report;

/// A run under way; ends with [`Report::Finished`].
pub trait Running: Send {
    /// The next report; `None` after the end. May be dropped while it waits.
    fn next(&mut self) -> impl Future<Output = Option<Report>> + Send;

    /// Interrupts the run; asking again changes nothing.
    fn interrupt(&self);
}

impl Running for RecordedRun {
    async fn next(&mut self) -> Option<Report> {
        RecordedRun::next(self).await
    }

    fn interrupt(&self) {
        self.stopper().interrupt();
    }
}

impl Running for RemoteRun {
    async fn next(&mut self) -> Option<Report> {
        RemoteRun::next(self).await
    }

    fn interrupt(&self) {
        RemoteRun::interrupt(self);
    }
}
