//! A run through a gateway, which goes on at another one when the first goes away.

use std::time::Duration;

use prepl_core::report::Stopped;
use prepl_core::{Counts, Report, Summary};
use prepl_proto::v1;
use prepl_proto::v1::gateway_client::GatewayClient;
use prepl_proto::v1::run_command::Command;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::merge::Merge;

/// Reports that may wait for the reader; then the gateway waits, down to the runtimes.
const WAITING_REPORTS: usize = 64;
/// How long another gateway is looked for.
const RESUME_PATIENCE: Duration = Duration::from_secs(20);
/// First and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// One expression on its way over one selection, at a gateway; ends with [`Report::Finished`].
///
/// Dropping it leaves the evaluations that were sent to their own time limits.
#[derive(Debug)]
pub struct RemoteRun {
    reports: mpsc::Receiver<Report>,
    stop: watch::Sender<bool>,
}

type Batches = Streaming<v1::ReportBatch>;

impl RemoteRun {
    /// Asks the gateway to start; an error means that nothing was evaluated.
    pub(super) async fn start(
        client: GatewayClient<Channel>,
        start: v1::StartRun,
    ) -> Result<RemoteRun, Status> {
        let (tell, reports) = mpsc::channel(WAITING_REPORTS);
        let (stop, stop_asked) = watch::channel(false);
        let merge = Merge::new(start.uids.len());
        let begun = Instant::now();
        let uids = start.uids.clone();
        let mut pump = Pump { client, start, uids, merge, tell, stop_asked, begun };
        let call = pump.call().await?;
        tokio::spawn(pump.to_the_end(call));
        Ok(RemoteRun { reports, stop })
    }

    /// The next report; `None` after [`Report::Finished`]. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// Interrupts the run; asking again changes nothing.
    pub fn interrupt(&self) {
        self.stop.send_replace(true);
    }
}

/// A call under way: commands down, batches up.
struct Call {
    commands: mpsc::Sender<v1::RunCommand>,
    batches: Batches,
}

struct Pump {
    client: GatewayClient<Channel>,
    /// What the next gateway is asked.
    start: v1::StartRun,
    /// The UIDs of the whole run.
    uids: Vec<String>,
    merge: Merge,
    tell: mpsc::Sender<Report>,
    stop_asked: watch::Receiver<bool>,
    begun: Instant,
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
        let (commands, sent) = mpsc::channel(2);
        let start = v1::RunCommand { command: Some(Command::Start(self.start.clone())) };
        // There is room for the first two.
        let _ = commands.try_send(start);
        let batches = self.client.run(ReceiverStream::new(sent)).await?.into_inner();
        Ok(Call { commands, batches })
    }

    async fn to_the_end(mut self, first: Call) {
        let mut call = first;
        let why = loop {
            match self.follow(call).await {
                End::Unread => return,
                End::Finished(told) => {
                    self.give_up("the gateway ended without telling the outcome").await;
                    return self.finish(told).await;
                }
                End::Broke(_) if self.merge.is_complete() => return self.finish(self.own()).await,
                End::Broke(status) => match self.resume(status).await {
                    Ok(next) => call = next,
                    Err(status) => break status,
                },
            }
        };
        let words = format!("the gateway went away, and no other one tells: {}", why.message());
        self.give_up(&words).await;
        self.finish(self.own()).await;
    }

    async fn follow(&mut self, mut call: Call) -> End {
        let mut told_to_stop = false;
        let mut stop_asked = self.stop_asked.clone();
        loop {
            tokio::select! {
                () = asked(&mut stop_asked), if !told_to_stop => {
                    told_to_stop = true;
                    let stop = v1::RunCommand { command: Some(Command::Stop(v1::StopRun {})) };
                    // A gateway that is gone shows in the batches.
                    let _ = call.commands.try_send(stop);
                }
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
                self.tell.send(new).await.map_err(|_| End::Unread)?;
            }
        }
        Ok(None)
    }

    /// Asks another gateway for the answers of the replicas that had not ended.
    async fn resume(&mut self, mut why: Status) -> Result<Call, Status> {
        let (mut pause, end) = (PAUSE.0, Instant::now() + RESUME_PATIENCE);
        let rest = self.merge.resume().iter().filter_map(|place| self.uids.get(place.get()));
        self.start.uids = rest.cloned().collect();
        self.start.recall = true;
        while is_absence(&why) && Instant::now() < end {
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
            match self.call().await {
                Ok(call) => return Ok(call),
                Err(status) => why = status,
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

    fn own(&self) -> Summary {
        let stopped = self.stop_asked.borrow().then_some(Stopped::Interrupted);
        Summary { counts: Counts::default(), skew: None, elapsed: Duration::ZERO, stopped }
    }
}

/// Completes when the run is to be interrupted; never, if it is not.
async fn asked(stop: &mut watch::Receiver<bool>) {
    let asked = stop.wait_for(|asked| *asked).await.is_ok();
    if !asked {
        std::future::pending::<()>().await;
    }
}

/// Whether the gateway is away, rather than unwilling.
fn is_absence(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled)
}
