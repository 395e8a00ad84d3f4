//! A run through a gateway, which goes on at another one when the first goes away.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use prepl_core::report::Stopped;
use prepl_core::{Counts, Input, NoInput, Report, Summary};
use prepl_fanout::Feeder;
use prepl_fanout::input::{Given, input};
use prepl_identity::{Bundle, Refusal};
use prepl_proto::v1;
use prepl_proto::v1::gateway_client::GatewayClient;
use prepl_proto::v1::run_command::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Status, Streaming};

use super::commands::Commands;
use super::merge::Merge;
use crate::claim::{InputSigner, signed_run};

/// Reports that may wait for the reader; then the gateway waits, down to the runtimes.
const WAITING_REPORTS: usize = 64;
/// How long a gateway is looked for that tells something new.
pub const RESUME_PATIENCE: Duration = Duration::from_secs(20);
/// First and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// One expression on its way over one selection, at a gateway; ends with [`Report::Finished`].
///
/// Dropping it leaves the evaluations that were sent to their own time limits.
#[derive(Debug)]
pub struct RemoteRun {
    reports: mpsc::Receiver<Report>,
    stop: watch::Sender<bool>,
    feeder: Feeder,
}

type Batches = Streaming<v1::ReportBatch>;

impl RemoteRun {
    /// Asks the gateway to start; an error means that nothing was evaluated. `refusal` is what the
    /// gateway says of the connection itself.
    pub(super) async fn start(
        client: GatewayClient<Channel>,
        access: Arc<Bundle>,
        start: v1::StartRun,
        refusal: &Refusal,
    ) -> Result<RemoteRun, Status> {
        let (tell, reports) = mpsc::channel(WAITING_REPORTS);
        let (stop, stop_asked) = watch::channel(false);
        let (feeder, given) = input(start.interactive);
        let merge = Merge::new(start.uids.len());
        let begun = Instant::now();
        let deadline = Duration::from_millis(start.deadline_ms.into());
        let deadline = (!deadline.is_zero()).then(|| begun + deadline);
        let uids = start.uids.clone();
        let lost = None;
        let mut pump = Pump {
            client,
            access,
            start,
            uids,
            merge,
            tell,
            stop_asked,
            given,
            begun,
            deadline,
            lost,
        };
        let first = match pump.call().await {
            Err(status) if refusal.reason().is_some() || !may_be_heard(&status) => {
                return Err(status);
            }
            first => first,
        };
        tokio::spawn(pump.run(first));
        Ok(RemoteRun { reports, stop, feeder })
    }

    /// The next report; `None` after [`Report::Finished`]. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// Interrupts the run; asking again changes nothing.
    pub fn interrupt(&self) {
        self.stop.send_replace(true);
    }

    /// Gives input to all replicas that have not ended; `end` says that nothing follows.
    pub fn input(&self, data: Bytes, end: bool) -> Result<(), NoInput> {
        let input = Input::new(self.feeder.next_place(), data, end)?;
        self.feeder.give(input)
    }
}

/// A call under way: batches up, and down what a task of its own says, whoever reads or not.
struct Call {
    batches: Batches,
    _commands: JoinSet<()>,
}

struct Pump {
    client: GatewayClient<Channel>,
    /// Signs what a gateway is asked.
    access: Arc<Bundle>,
    /// What the next gateway is asked.
    start: v1::StartRun,
    /// The UIDs of the whole run.
    uids: Vec<String>,
    merge: Merge,
    tell: mpsc::Sender<Report>,
    stop_asked: watch::Receiver<bool>,
    given: Given,
    begun: Instant,
    /// When the whole run is to be over.
    deadline: Option<Instant>,
    /// Since when no gateway has told anything new, after one broke off.
    lost: Option<Instant>,
}

/// How a call ended.
enum End {
    Finished(Summary),
    /// The gateway went away, or tells nothing that can be understood.
    Broke(Status),
    /// Nobody reads any more.
    Unread,
}

impl Pump {
    async fn call(&mut self) -> Result<Call, Status> {
        let (to, sent) = mpsc::channel(2);
        let signed = signed_run(&self.access, &self.start, SystemTime::now());
        let signed = signed.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let signer = self.start.interactive.then(|| InputSigner::of(&self.access, &self.start));
        let signer = signer.transpose().map_err(|bad| Status::invalid_argument(bad.to_string()))?;
        let start = v1::StartRun { signed: Some(signed), ..self.start.clone() };
        let start = v1::RunCommand { command: Some(Command::Start(start)) };
        // There is room for the first two.
        let _ = to.try_send(start);
        let batches = self.client.run(ReceiverStream::new(sent)).await?.into_inner();
        let (stop_asked, given) = (self.stop_asked.clone(), self.given.clone());
        let mut commands = JoinSet::new();
        commands.spawn(Commands { stop_asked, given, signer, to }.tell());
        Ok(Call { batches, _commands: commands })
    }

    async fn run(mut self, first: Result<Call, Status>) {
        let mut next = match first {
            Ok(call) => Ok(call),
            Err(status) => self.resume(status).await,
        };
        let why = loop {
            let call = match next {
                Ok(call) => call,
                Err(status) => break status,
            };
            let from = Instant::now();
            let end = self.follow(call).await;
            if from.elapsed() > RESUME_PATIENCE {
                self.lost = None;
            }
            match end {
                End::Unread => return,
                End::Finished(told) => {
                    self.give_up("the gateway ended without telling the outcome").await;
                    return self.finish(told).await;
                }
                End::Broke(why) if self.merge.is_complete() => {
                    return self.finish(self.own(&why)).await;
                }
                End::Broke(status) => next = self.resume(status).await,
            }
        };
        let ended = match is_absence(&why) {
            true => "the gateway went away, and no other one tells",
            false => "the gateway tells no more",
        };
        self.give_up(&format!("{ended}: {}", why.message())).await;
        self.finish(self.own(&why)).await;
    }

    async fn follow(&mut self, mut call: Call) -> End {
        loop {
            tokio::select! {
                batch = call.batches.message() => match batch {
                    Ok(Some(batch)) => match self.take(batch).await {
                        Ok(None) => {}
                        Ok(Some(summary)) => return End::Finished(summary),
                        Err(end) => return end,
                    },
                    Ok(None) => return End::Broke(Status::unavailable("it ended early")),
                    Err(status) => return End::Broke(status),
                },
                () = self.tell.closed() => return End::Unread,
            }
        }
    }

    async fn take(&mut self, batch: v1::ReportBatch) -> Result<Option<Summary>, End> {
        for wire in batch.reports {
            let report = Report::try_from(wire);
            let report = report.map_err(|bad| End::Broke(Status::internal(bad.to_string())))?;
            if let Report::Finished(summary) = report {
                return Ok(Some(summary));
            }
            if let Some(new) = self.merge.take(report) {
                if matches!(new, Report::Replica { .. }) {
                    self.lost = None;
                }
                self.tell.send(new).await.map_err(|_| End::Unread)?;
            }
        }
        Ok(None)
    }

    /// Asks another gateway for the answers of the replicas that had not ended.
    async fn resume(&mut self, mut why: Status) -> Result<Call, Status> {
        let mut pause = PAUSE.0;
        let end = *self.lost.get_or_insert_with(Instant::now) + RESUME_PATIENCE;
        let rest = self.merge.resume().iter().filter_map(|place| self.uids.get(place.get()));
        self.start.uids = rest.cloned().collect();
        self.start.recall = true;
        while is_absence(&why) && Instant::now() < end {
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
            self.start.deadline_ms = self.deadline.map(left).unwrap_or_default();
            match timeout_at(end, self.call()).await {
                Ok(Ok(call)) => return Ok(call),
                Ok(Err(status)) => why = status,
                Err(_) => return Err(why),
            }
        }
        Err(why)
    }

    async fn give_up(&mut self, why: &str) {
        for report in self.merge.give_up(why) {
            // Without a reader nobody is to be told.
            let _ = self.tell.send(report).await;
        }
    }

    async fn finish(&self, told: Summary) {
        let told = Summary { elapsed: self.begun.elapsed(), ..told };
        let _ = self.tell.send(self.merge.finished(told)).await;
    }

    /// The end that no gateway told.
    fn own(&self, why: &Status) -> Summary {
        let stopped = match why.code() {
            Code::PermissionDenied | Code::Unauthenticated => Some(Stopped::Revoked),
            _ => self.stop_asked.borrow().then_some(Stopped::Interrupted),
        };
        Summary { counts: Counts::default(), skew: None, elapsed: Duration::ZERO, stopped }
    }
}

/// Milliseconds until then; 0 would be no deadline at all.
fn left(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
}

/// Whether a gateway that said nothing may have taken the run: the connection was there, and broke.
fn may_be_heard(status: &Status) -> bool {
    // What a gateway says itself has no source.
    let mut causes = std::iter::successors(status.source(), |cause| (*cause).source());
    status.source().is_some() && !causes.any(|cause| cause.is::<ConnectError>())
}

/// Whether the gateway is away, rather than unwilling.
fn is_absence(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_that_of_the_whole_run_and_never_none() {
        let deadline = Instant::now() + Duration::from_millis(1500);
        assert_eq!(left(deadline), 1500);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(left(deadline), 500);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(left(deadline), 1);
    }
}
