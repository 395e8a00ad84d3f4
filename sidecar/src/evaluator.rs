//! One evaluation from the queue to its outcome.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prepl_core::read_only::Keeper;
use prepl_core::{
    Digest, Done, Evaluation, Event, Input, Limits, NoInput, Outcome, Patience, Reason, Refusal,
    RequestId, Timings,
};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::{Instant, timeout};

use crate::caller::Caller;
use crate::driver::stream::Ending;
use crate::driver::{Ask, End, Said};
use crate::input::{self, Inbox, NotTaken};
use crate::ledger::{Ledger, Remembered, Verdict};
use crate::meter::Meter;
use crate::read_only::{LOADING_WRITES, NO_KEEPER, notice};
use crate::recorder::Recorder;
use crate::session::{Lease, NoSession, Session, Sessions};
use crate::stop::{Asked, Stop, stop_at};

/// Evaluations in the runtime at a time; more wait in line.
const MAX_RUNNING: usize = 16;
/// Evaluations that may wait in line.
const MAX_WAITING: usize = 256;
/// What a runtime may say before its reader has read it: of output, 512 KiB.
const SAID_QUEUE: usize = 8;
/// `Started` waits so long for company: most evaluations are over by then, in one message.
const START_ALONE_AFTER: Duration = Duration::from_millis(20);

/// Evaluates on one runtime.
pub struct Evaluator {
    sessions: Arc<Sessions>,
    ledger: Ledger,
    running: Semaphore,
    waiting: Semaphore,
    ceiling: Limits,
}

/// How an evaluation is followed.
pub enum Followed {
    /// It runs now; its events come here.
    Live(mpsc::Receiver<Event>),
    /// It ran or runs already; this will be its answer.
    Remembered(Remembered),
    /// It does not run.
    Refused(Outcome),
}

impl Evaluator {
    /// An evaluator over `sessions`; no evaluation gets more than `ceiling`.
    pub fn new(sessions: Arc<Sessions>, ceiling: Limits) -> Arc<Evaluator> {
        Arc::new(Evaluator {
            sessions,
            ledger: Ledger::since(SystemTime::now()),
            running: Semaphore::new(MAX_RUNNING),
            waiting: Semaphore::new(MAX_RUNNING + MAX_WAITING),
            ceiling,
        })
    }

    /// Starts an evaluation, unless its request is known.
    ///
    /// It goes on when its reader leaves: the answer is remembered.
    pub fn start(self: &Arc<Self>, evaluation: Evaluation, caller: Caller) -> Followed {
        let arrived = Instant::now();
        let limits = evaluation.limits.at_most(self.ceiling);
        let (interrupter, stop) = stop_at(arrived + limits.time());
        let (feed, inbox) = input::ends(evaluation.interactive);
        let asked = Digest::of(evaluation.expression.as_str());
        let verdict = match evaluation.recall {
            true => self.ledger.recall(evaluation.request, &caller.name, asked),
            false => self.ledger.begin(evaluation.request, &caller.name, asked, interrupter, feed),
        };
        match verdict {
            Verdict::Again(answer) => return Followed::Remembered(answer),
            Verdict::Foreign => {
                return Followed::Refused(denied("this request id belongs to another caller"));
            }
            Verdict::Another => {
                return Followed::Refused(limit(
                    "this request id was given to another expression; repeat that one, or leave \
                     --request-id out",
                ));
            }
            Verdict::Full => return Followed::Refused(limit("too many evaluations are running")),
            Verdict::NotKnown => {
                return Followed::Refused(Outcome::unknown(
                    "the sidecar does not know this request: it was started since, or it is long \
                     ago; what was asked first may have run",
                ));
            }
            Verdict::Run => {}
        }
        let (events, live) = mpsc::channel(SAID_QUEUE);
        let part = Part { arrived, evaluation, caller, limits, stop, inbox };
        tokio::spawn(Arc::clone(self).run(part, Recorder::new(events)));
        Followed::Live(live)
    }

    /// A request that was signed earlier may have run already.
    pub fn remembers_since(&self) -> SystemTime {
        self.ledger.remembers_since()
    }

    /// Asks a running evaluation to stop: this owner's, without one anybody's. Tells whether
    /// there is one.
    pub fn interrupt(&self, request: RequestId, owner: Option<&Arc<str>>) -> bool {
        self.ledger.interrupt(request, owner)
    }

    /// Gives a piece of input to the evaluation of a request of this owner, once there is room for
    /// it. Tells whether it has it: one that does not run has nothing.
    pub async fn input(
        &self,
        request: RequestId,
        owner: &Arc<str>,
        input: &Input,
    ) -> Result<bool, NotTaken> {
        match self.ledger.feed(request, owner) {
            Some(feed) => feed.ok_or(NoInput::NotInteractive)?.give(input).await,
            None => Ok(false),
        }
    }

    async fn run(self: Arc<Self>, mut part: Part, mut recorder: Recorder) {
        let request = part.evaluation.request;
        let takes_fresh = part.evaluation.session.is_none();
        let done = match self.evaluate(&mut part, &mut recorder).await {
            Ok(done) => done,
            Err(outcome) => part.without_answer(outcome),
        };
        // It reads no more: whoever waits to give it input is let go.
        drop(part);
        recorder.tell(Event::Done(done)).await;
        let (answer, bytes) = recorder.into_answer();
        self.ledger.end(request, answer, bytes);
        if takes_fresh {
            self.sessions.refill().await;
        }
    }

    async fn evaluate(&self, part: &mut Part, recorder: &mut Recorder) -> Result<Done, Outcome> {
        let caller = part.caller.clone();
        let many = || limit("too many evaluations of yours wait in this sidecar; try again later");
        let _own_line = caller.portion.stand_in_line().ok_or_else(many)?;
        let full = || limit("the sidecar's queue is full; try again later");
        let _line = self.waiting.try_acquire().map_err(|_| full())?;
        let Part { stop, evaluation, .. } = part;
        let mut lease = tokio::select! {
            // Most have a place at once, and need no timer.
            biased;
            lease = self.lease(&caller, evaluation) => lease?,
            () = stop.asked() => return Err(limit("its time was over before its turn came")),
        };
        let _places = lease.1;
        let session_began = lease.0.session_began();
        let done = match self.with_session(part, recorder, &mut lease.0).await {
            Ok((done, ending)) => {
                lease.0.give_back(&ending);
                done
            }
            // The session is kept though: the next evaluation in it will not begin it.
            Err(outcome) => part.without_answer(outcome),
        };
        Ok(Done { session_began, ..done })
    }

    async fn lease<'a>(
        &'a self,
        caller: &'a Caller,
        evaluation: &Evaluation,
    ) -> Result<(Lease, [Option<SemaphorePermit<'a>>; 2]), Outcome> {
        // The own one first: who has too many waits for himself and in nobody's way. The semaphore
        // is never closed.
        let places = [caller.portion.run().await, self.running.acquire().await.ok()];
        let lease = self.sessions.lease(caller, evaluation.session.as_ref()).await;
        let lease = lease.map_err(|none| match none {
            NoSession::NotOpened(reason) => Outcome::Unreachable(Reason::new(reason.to_string())),
            NoSession::TooMany => limit(&none.to_string()),
        })?;
        Ok((lease, places))
    }

    /// What is to keep the evaluation from writing, if anything is.
    fn keeper(&self, part: &Part, session: &Session) -> Result<Option<Keeper>, Outcome> {
        let is_file = part.evaluation.origin.whole_file().is_some();
        match (part.evaluation.read_only, self.sessions.keeper(session)) {
            (false, _) => Ok(None),
            (true, _) if is_file => Err(limit(LOADING_WRITES)),
            (true, None) => Err(limit(NO_KEEPER)),
            (true, keeper) => Ok(keeper),
        }
    }

    async fn with_session(
        &self,
        part: &mut Part,
        recorder: &mut Recorder,
        lease: &mut Lease,
    ) -> Result<(Done, Ending), Outcome> {
        let Some(session) = lease.session() else { return Err(limit("the session is gone")) };
        let read_only = self.keeper(part, session)?;
        let started = Instant::now();
        let mut meter = Meter::new(part.limits);
        let ask = Ask {
            expression: part.evaluation.expression.clone(),
            origin: part.evaluation.origin.clone(),
            namespace: part.evaluation.namespace.clone(),
            value_bytes: part.limits.value_bytes(),
            output_bytes: part.limits.output_bytes(),
            read_only,
        };
        let loading = self.sessions.loading(&part.evaluation).await;
        let (said, saying) = mpsc::channel(SAID_QUEUE);
        let Part { stop, inbox, .. } = part;
        inbox.open();
        let evaluate = async {
            // Owns its end of the channel, so that the other side sees the end.
            let said = said;
            session.evaluate(&ask, &said, inbox, stop, Patience::INTERRUPT_GRACE).await
        };
        let (ending, ()) = tokio::join!(evaluate, pass_on(saying, &mut meter, recorder));
        if let Ending::Answered(End { output_bytes: Some(bytes), .. }) = &ending {
            meter.count_at_least(*bytes);
        }
        for event in kept(&ask, &ending).into_iter().chain(meter.last_words()) {
            recorder.tell(event).await;
        }
        let timings = Timings {
            queued: started - part.arrived,
            eval: started.elapsed(),
            ..Timings::default()
        };
        let outcome = outcome(&ending, part.stop.why(), part.limits.time());
        if let Some(loading) = loading {
            self.sessions.loaded(loading, &outcome);
        }
        let namespace = match &ending {
            Ending::Answered(end) => end.namespace.clone(),
            _ => None,
        };
        let output_bytes = meter.output_bytes();
        let done = Done { namespace, timings, output_bytes, ..Done::without_answer(outcome) };
        Ok((done, ending))
    }
}

/// One evaluation on its way.
struct Part {
    arrived: Instant,
    evaluation: Evaluation,
    caller: Caller,
    limits: Limits,
    stop: Stop,
    inbox: Inbox,
}

impl Part {
    /// The end of one that did not get into the runtime.
    fn without_answer(&self, outcome: Outcome) -> Done {
        let timings = Timings { queued: self.arrived.elapsed(), ..Timings::default() };
        Done { timings, ..Done::without_answer(outcome) }
    }
}

async fn pass_on(mut saying: mpsc::Receiver<Said>, meter: &mut Meter, recorder: &mut Recorder) {
    let first = timeout(START_ALONE_AFTER, saying.recv()).await;
    recorder.tell(Event::Started).await;
    let mut next = match first {
        Ok(said) => said,
        Err(_) => saying.recv().await,
    };
    while let Some(said) = next {
        for event in meter.take(said) {
            recorder.tell(event).await;
        }
        next = saying.recv().await;
    }
}

/// What kept an evaluation that ran from writing.
fn kept(ask: &Ask, ending: &Ending) -> Option<Event> {
    let ran = match ending {
        Ending::Answered(end) => end.refused.is_none(),
        Ending::Unreadable(_) => false,
        Ending::Unconfirmed | Ending::Lost(_) => true,
    };
    ask.read_only.as_ref().filter(|_| ran).map(|keeper| Event::Notice(notice(keeper)))
}

/// The class of an ending. What was ended from outside is never called a failure: it is unknown,
/// for a part of its work may be done.
fn outcome(ending: &Ending, asked: Option<Asked>, time: Duration) -> Outcome {
    match (ending, asked) {
        (Ending::Unreadable(reason), _) => {
            Outcome::Refused(Refusal::Unreadable(Reason::new(reason.to_string())))
        }
        (Ending::Answered(End { refused: Some(refused), .. }), _) => limit(refused.reason()),
        (Ending::Answered(End { may_still_run: true, .. }), _) => unconfirmed(asked, time),
        (Ending::Answered(End { interrupted: true, .. }), _) => {
            Outcome::Unknown { reason: confirmed(asked, time), may_still_run: false }
        }
        (Ending::Answered(End { raised: true, .. }), _) => Outcome::Raised,
        (Ending::Answered(_), _) => Outcome::Ok,
        (Ending::Unconfirmed, _) => unconfirmed(asked, time),
        (Ending::Lost(reason), _) => Outcome::unknown(reason),
    }
}

fn confirmed(asked: Option<Asked>, time: Duration) -> Reason {
    match asked {
        Some(Asked::Deadline) => {
            Reason::new(format!("no answer within {time:?}; interrupted; it had started"))
        }
        _ => Reason::new("interrupted; it had started"),
    }
}

fn unconfirmed(asked: Option<Asked>, time: Duration) -> Outcome {
    match asked {
        Some(Asked::Interrupt) => {
            Outcome::unknown("interrupted, and the runtime did not confirm it; it may still run")
        }
        _ => Outcome::unknown(format!(
            "no answer within {time:?}, interrupt not confirmed; it may still run"
        )),
    }
}

fn limit(reason: &str) -> Outcome {
    Outcome::Refused(Refusal::Limit(Reason::new(reason)))
}

fn denied(reason: &str) -> Outcome {
    Outcome::Refused(Refusal::Denied(Reason::new(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(interrupted: bool, may_still_run: bool, asked: Asked) -> Outcome {
        let end = End { raised: true, interrupted, may_still_run, ..End::default() };
        outcome(&Ending::Answered(end), Some(asked), Duration::from_secs(3))
    }

    #[test]
    fn what_was_interrupted_is_unknown_and_over_whoever_asked() {
        for (asked, wanted) in [
            (Asked::Interrupt, "interrupted; it had started"),
            (Asked::Deadline, "no answer within 3s; interrupted; it had started"),
        ] {
            let reason = Reason::new(wanted);
            let over = Outcome::Unknown { reason, may_still_run: false };
            assert_eq!(ended(true, false, asked), over);
        }
    }

    #[test]
    fn an_interrupt_that_came_too_late_or_is_not_confirmed_is_told_as_such() {
        assert_eq!(ended(false, false, Asked::Interrupt), Outcome::Raised);
        let unconfirmed = ended(true, true, Asked::Interrupt);
        assert!(matches!(unconfirmed, Outcome::Unknown { may_still_run: true, .. }));
    }
}
