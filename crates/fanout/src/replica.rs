//! One replica, from connect to its one outcome.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::ports::{Connect, Events, Line};
use prepl_core::{Digest, Done, Event, Outcome, Patience, Reason, Replica, ReplicaIndex};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::Plan;
use crate::budget::Budget;
use crate::input::Given;
use crate::stop::{StopSign, reason};

/// A value's text beside its digest.
pub(crate) type Text = (Digest, Arc<str>);

/// What a replica's task sends to the run: what came together.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) replica: ReplicaIndex,
    pub(crate) events: Vec<Event<Text>>,
    pub(crate) end: Option<End>,
}

/// The end of one replica; follows its last events.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) done: Done,
    /// When the runtime was handed the expression, as far as that is known.
    pub(crate) started: Option<Instant>,
}

/// The last events of an evaluation, and how it ended.
struct Ending {
    last: Vec<Event<Text>>,
    done: Result<Done, Outcome>,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Ending {
        Ending { last: Vec::new(), done: Err(outcome) }
    }
}

/// One replica's part of a run.
pub(crate) struct Part<C> {
    pub(crate) connect: Arc<C>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) index: ReplicaIndex,
    pub(crate) replica: Replica,
    pub(crate) begun: Instant,
    pub(crate) stop: StopSign,
    pub(crate) given: Given,
    pub(crate) tell: mpsc::Sender<Told>,
}

/// A connection that is ready to start, or the outcome of a replica that has none.
pub(crate) type Ready<L> = Result<(L, Duration), Outcome>;

impl<C: Connect> Part<C> {
    /// Connects within the plan's patience. What is to be recalled may be running already: to
    /// stop it takes the connection.
    pub(crate) async fn connect(&mut self) -> Ready<C::Line> {
        let from = Instant::now();
        let patience = self.plan.patience.connect;
        let connect = Arc::clone(&self.connect);
        let connected = tokio::select! {
            biased;
            why = self.stop.given(), if !self.plan.recall => {
                Err(Outcome::NotStarted(Reason::new(reason(why))))
            }
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
        let (ending, connect, sent) = match ready {
            Ok((line, connect)) => {
                let sent = Instant::now();
                (self.evaluate(&line).await, connect, Some(sent))
            }
            Err(outcome) => (outcome.into(), Duration::ZERO, None),
        };
        let mut done = ending.done.unwrap_or_else(Done::without_answer);
        done.timings.connect = connect;
        done.timings.total = self.begun.elapsed();
        let ran = matches!(done.outcome, Outcome::Ok | Outcome::Raised | Outcome::Unknown { .. });
        let started = sent.filter(|_| ran).map(|sent| sent + done.timings.queued);
        self.tell(ending.last, Some(End { done, started })).await;
    }

    async fn tell(&self, events: Vec<Event<Text>>, end: Option<End>) {
        // A run that nobody reads any more has nobody to tell.
        let _ = self.tell.send(Told { replica: self.index, events, end }).await;
    }

    async fn evaluate(&mut self, line: &C::Line) -> Ending {
        let limits = self.plan.limits;
        let patience = limits.time() + Patience::INTERRUPT_GRACE + Patience::SILENCE;
        let mut budget = Budget::new(&limits);
        let answer = self.answer(line, &mut budget);
        let silence = || Outcome::unknown("no word from the sidecar after the time limit");
        bounded(patience, answer).await.unwrap_or_else(|| silence().into())
    }

    async fn answer(&mut self, line: &C::Line, budget: &mut Budget) -> Ending {
        let mut stop = self.stop.clone();
        let evaluation = self.plan.evaluation(&self.replica);
        // What is to be recalled may be running already, and its answer comes when it has ended.
        let begun = Notify::new();
        if self.plan.recall {
            begun.notify_one();
        }
        let answer = async {
            match line.evaluate(evaluation).await {
                Ok(mut events) => {
                    begun.notify_one();
                    self.until_done(&mut events, budget).await
                }
                Err(outcome) => outcome.into(),
            }
        };
        let work = async {
            tokio::select! { ending = answer => ending, never = self.feed(line, &begun) => never }
        };
        tokio::pin!(work);
        tokio::select! {
            ending = &mut work => return ending,
            _ = stop.given() => {}
        }
        let interrupt = async {
            line.interrupt(self.plan.request).await;
            std::future::pending().await
        };
        let ended = async {
            tokio::select! { ending = work => ending, never = interrupt => never }
        };
        let patience = Patience::INTERRUPT_GRACE + Patience::SILENCE;
        let silence = || Outcome::unknown("interrupted, and no word from the sidecar since");
        bounded(patience, ended).await.unwrap_or_else(|| silence().into())
    }

    /// Passes on what is given to the run, from the begin of the evaluation to its end.
    async fn feed(&self, line: &C::Line, begun: &Notify) -> Ending {
        begun.notified().await;
        let mut given = self.given.clone();
        for place in 0.. {
            let piece = given.piece(place).await;
            let given = line.input(self.plan.request, &self.replica.id.uid, &piece).await;
            if let Err(why) = given {
                let notice = format!("it does not get its input: {why}");
                self.tell(vec![Event::Notice(notice.into())], None).await;
                break;
            }
        }
        std::future::pending().await
    }

    async fn until_done(
        &self,
        events: &mut <C::Line as Line>::Events,
        budget: &mut Budget,
    ) -> Ending {
        loop {
            let batch = match events.next().await {
                Some(Ok(batch)) => batch,
                Some(Err(outcome)) => return outcome.into(),
                None => {
                    return Outcome::unknown("the sidecar ended without telling the outcome")
                        .into();
                }
            };
            let mut last = Vec::with_capacity(batch.len());
            match take(batch, budget, &mut last) {
                Ok(None) => self.tell(last, None).await,
                Ok(Some(done)) => return Ending { last, done: Ok(done) },
                Err(outcome) => return Ending { last, done: Err(outcome) },
            }
        }
    }
}

/// Takes events up to the end, or to the one that the replica cannot afford.
fn take(
    batch: Vec<Event>,
    budget: &mut Budget,
    taken: &mut Vec<Event<Text>>,
) -> Result<Option<Done>, Outcome> {
    for event in batch {
        budget.charge(&event)?;
        match event {
            Event::Done(done) => return Ok(Some(done)),
            event => taken.push(event.map_text(|text| (Digest::of(&text), text))),
        }
    }
    Ok(None)
}

async fn bounded<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    timeout(limit, work).await.ok()
}
