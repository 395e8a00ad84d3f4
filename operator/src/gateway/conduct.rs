//! One run from its permit to the last report, and its end when the access ends.

use std::time::Duration;

use futures_util::FutureExt;
use prepl_core::report::Stopped;
use prepl_core::{Done, Event, Outcome, Reason, ReplicaIndex, Report};
use prepl_gateway::{Inputs, RecordedRun, Stopper};
use prepl_proto::v1;
use prepl_proto::v1::run_command::Command;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tonic::{Status, Streaming};

use super::access::Refused;
use super::doorkeeper::Guest;
use super::end_session::RunSession;
use super::input;

/// Reports of one message at most.
const BATCH: usize = 64;
/// A message is not added to once it has so much text.
const BATCH_TEXT: usize = 256 << 10;
/// What interrupted replicas get to tell their ends before the stream is cut.
const LAST_WORDS: Duration = Duration::from_millis(2500);

/// Where the messages of a run go.
pub type Messages = mpsc::Sender<Result<v1::ReportBatch, Status>>;

/// A run, and how its replicas are called by whoever asked.
pub struct Conduct {
    /// The run over those that are there.
    pub run: RecordedRun,
    /// Their places among those that were asked for.
    pub places: Vec<ReplicaIndex>,
    /// The reports of those that are not there.
    pub gone: Vec<Report>,
    /// What it keeps on its replicas.
    pub session: Option<RunSession>,
    /// Who asked for it.
    pub guest: Guest,
}

/// The reports of replicas that are gone: where an answer is to be recalled, it may have run.
pub fn gone(places: Vec<ReplicaIndex>, recall: bool) -> Vec<Report> {
    let outcome = match recall {
        false => Outcome::NotStarted(Reason::new("the pod is gone, or out of this access")),
        true => Outcome::Unknown {
            reason: Reason::new("the pod is gone, and its answer with it"),
            may_still_run: false,
        },
    };
    let report = |replica| Report::Replica {
        replica,
        sequence: 0,
        event: Event::Done(Done::without_answer(outcome.clone())),
    };
    places.into_iter().map(report).collect()
}

impl Conduct {
    /// Tells everything, until the end, until `denied` completes, or until nobody reads.
    pub async fn to_the_end(
        mut self,
        commands: Streaming<v1::RunCommand>,
        messages: Messages,
        denied: impl Future<Output = Refused>,
    ) {
        let (stopper, inputs) = (self.run.stopper(), self.run.inputs());
        let guest = self.guest.clone();
        let refused = async {
            let why = tokio::select! {
                why = denied => {
                    stopper.revoke();
                    why
                }
                why = listen(commands, &stopper, &inputs, &guest) => {
                    stopper.interrupt();
                    why
                }
            };
            sleep(LAST_WORDS).await;
            why
        };
        tokio::select! {
            () = self.tell(&messages) => {}
            () = messages.closed() => {}
            why = refused => {
                // A reader that does not read learns nothing; its evaluations have ended.
                let _ = messages.try_send(Err(why.into()));
            }
        }
        drop(messages);
        if stopper.stopped() == Some(Stopped::Revoked)
            && let Some(session) = self.session
        {
            session.end().await;
        }
    }

    async fn tell(&mut self, messages: &Messages) {
        let mut ready = std::mem::take(&mut self.gone);
        loop {
            if ready.is_empty() {
                match self.run.next().await {
                    Some(report) => ready.push(self.placed(report)),
                    None => return,
                }
            }
            self.add_what_is_ready(&mut ready);
            let reports = std::mem::take(&mut ready).into_iter().map(v1::Report::from).collect();
            if messages.send(Ok(v1::ReportBatch { reports })).await.is_err() {
                return;
            }
        }
    }

    fn add_what_is_ready(&mut self, ready: &mut Vec<Report>) {
        let mut text: usize = ready.iter().map(weight).sum();
        while ready.len() < BATCH && text < BATCH_TEXT {
            let Some(Some(report)) = self.run.next().now_or_never() else { return };
            text += weight(&report);
            ready.push(self.placed(report));
        }
    }

    fn placed(&self, report: Report) -> Report {
        match report {
            Report::Replica { replica, sequence, event } => {
                // Places are those of the run's own selection.
                let replica = self.places.get(replica.get()).copied().unwrap_or(replica);
                Report::Replica { replica, sequence, event }
            }
            other => other,
        }
    }
}

fn weight(report: &Report) -> usize {
    match report {
        Report::Text(_, text) => text.len(),
        Report::Replica { event, .. } => event.output_bytes(),
        Report::Finished(_) => 0,
    }
}

/// Follows the caller's commands until one cannot be done; one who only leaves off sending lets the
/// run go on.
async fn listen(
    mut commands: Streaming<v1::RunCommand>,
    stopper: &Stopper,
    inputs: &Inputs,
    guest: &Guest,
) -> Refused {
    while let Ok(Some(command)) = commands.message().await {
        match command.command {
            Some(Command::Stop(_)) => stopper.interrupt(),
            Some(Command::Input(input)) => {
                if let Err(refused) = input::give(inputs, guest, input).await {
                    return refused;
                }
            }
            // It has started.
            Some(Command::Start(_)) | None => {}
        }
    }
    std::future::pending().await
}
