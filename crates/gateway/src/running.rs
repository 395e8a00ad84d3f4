//! A run under way, in this process or at a gateway of a cluster.

use std::future::Future;

use bytes::Bytes;
use prepl_core::Report;

use crate::recorded_input::NotGiven;
use crate::recorded_run::RecordedRun;
use crate::remote::RemoteRun;

/// A run under way; ends with [`Report::Finished`].
pub trait Running: Send {
    /// The next report; `None` after the end. May be dropped while it waits.
    fn next(&mut self) -> impl Future<Output = Option<Report>> + Send;

    /// Interrupts the run; asking again changes nothing.
    fn interrupt(&self);

    /// Gives input to all replicas of an interactive run that have not ended; each reads it when it
    /// asks. At most 64 KiB at once; `end` says that nothing follows.
    fn input(&self, data: Bytes, end: bool) -> impl Future<Output = Result<(), NotGiven>> + Send;
}

impl Running for RecordedRun {
    async fn next(&mut self) -> Option<Report> {
        RecordedRun::next(self).await
    }

    fn interrupt(&self) {
        self.stopper().interrupt();
    }

    async fn input(&self, data: Bytes, end: bool) -> Result<(), NotGiven> {
        self.inputs().next(data, end).await
    }
}

impl Running for RemoteRun {
    async fn next(&mut self) -> Option<Report> {
        RemoteRun::next(self).await
    }

    fn interrupt(&self) {
        RemoteRun::interrupt(self);
    }

    async fn input(&self, data: Bytes, end: bool) -> Result<(), NotGiven> {
        Ok(RemoteRun::input(self, data, end)?)
    }
}
