//! One replica, from connect to its one outcome.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::ports::{Connect, Events, Line};
use prepl_core::{Digest, Done, Event, Outcome, Patience, Reason, Replica, ReplicaIndex};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::Plan;
use crate::budget::Budget;
use crate::stop::{StopSign, reason};

/// What a replica's task sends to the run.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) replica: ReplicaIndex,
    pub(crate) event: Event<(Digest, Arc<str>)>,
    /// When the runtime was handed the expression, as far as that is known; with `Done` alone.
    pub(crate) started: Option<Instant>,
}

/// One replica's part of a run.
pub(crate) struct Part<C> {
    pub(crate) connect: Arc<C>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) index: ReplicaIndex,
    pub(crate) replica: Replica,
    pub(crate) begun: Instant,
    pub(crate) stop: StopSign,
    pub(crate) tell: mpsc::Sender<Told>,
}

/// A connection that is ready to start, or the outcome of a replica that has none.
pub(crate) type Ready<L> = Result<(L, Duration), Outcome>;

impl<C: Connect> Part<C> {
    /// Connects within the plan's patience.
    pub(crate) async fn connect(&mut self) -> Ready<C::Line> {
        let from = Instant::now();
        let patience = self.plan.patience.connect;
        let connect = Arc::clone(&self.connect);
        let connected = tokio::select! {
            biased;
            why = self.stop.given() => Err(Outcome::NotStarted(Reason::new(reason(why)))),
            connected = timeout(patience, connect.connect(&self.replica)) => match connected {
                Ok(connected) => connected,
                Err(_) => Err(Outcome::Unreachable(Reason::new(format!(
                    "no connection to {} within {patience:?}", self.replica.address
                )))),
            },
        };
        connected.map(|line| (line, from.elapsed()))
    }

    /// Evaluates on a ready connection and tells everything up to the one `Done`.
    pub(crate) async fn finish(mut self, ready: Ready<C::Line>) {
        let (mut done, sent) = match ready {
            Ok((line, connect)) => {
                let sent = Instant::now();
                let mut done = self.evaluate(&line).await.unwrap_or_else(Done::without_answer);
                done.timings.connect = connect;
                (done, Some(sent))
            }
            Err(outcome) => (Done::without_answer(outcome), None),
        };
        done.timings.total = self.begun.elapsed();
        let ran = matches!(done.outcome, Outcome::Ok | Outcome::Raised | Outcome::Unknown { .. });
        let started = sent.filter(|_| ran).map(|sent| sent + done.timings.queued);
        // A run that nobody reads any more has nobody to tell.
        let _ =
            self.tell.send(Told { replica: self.index, event: Event::Done(done), started }).await;
    }

    async fn evaluate(&mut self, line: &C::Line) -> Result<Done, Outcome> {
        let limits = self.plan.limits;
        let patience = limits.time() + Patience::INTERRUPT_GRACE + Patience::SILENCE;
        let mut budget = Budget::new(&limits);
        let answer = self.answer(line, &mut budget);
        let silence = || Outcome::unknown("no word from the sidecar after the time limit");
        bounded(patience, answer).await.unwrap_or_else(|| Err(silence()))
    }

    async fn answer(&mut self, line: &C::Line, budget: &mut Budget) -> Result<Done, Outcome> {
        let mut stop = self.stop.clone();
        let evaluation = self.plan.evaluation(&self.replica);
        let work = async {
            let mut events = line.evaluate(evaluation).await?;
            self.until_done(&mut events, budget).await
        };
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            _ = stop.given() => {}
        }
        let interrupt = async {
            line.interrupt(self.plan.request).await;
            std::future::pending().await
        };
        let ended = async {
            tokio::select! { done = work => done, never = interrupt => never }
        };
        let patience = Patience::INTERRUPT_GRACE + Patience::SILENCE;
        let silence = || Outcome::unknown("interrupted, and no word from the sidecar since");
        bounded(patience, ended).await.unwrap_or_else(|| Err(silence()))
    }

    async fn until_done(
        &self,
        events: &mut <C::Line as Line>::Events,
        budget: &mut Budget,
    ) -> Result<Done, Outcome> {
        loop {
            let Ok(place) = self.tell.reserve().await else {
                return Err(Outcome::unknown("nobody reads the run any more"));
            };
            let Some(event) = events.next().await else {
                return Err(Outcome::unknown("the sidecar ended without telling the outcome"));
            };
            let event = event?;
            budget.charge(&event)?;
            match event {
                Event::Done(done) => return Ok(done),
                event => place.send(Told {
                    replica: self.index,
                    event: event.map_text(|text| (Digest::of(&text), text)),
                    started: None,
                }),
            }
        }
    }
}

async fn bounded<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    timeout(limit, work).await.ok()
}
