//! The memory of request ids: each runs at most once (P3), and its answer can be had again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use prepl_core::claim::CLOCK_SKEW;
use prepl_core::{Digest, Done, Event, Outcome, RequestId};
use tokio::sync::watch;

use crate::input::Feed;
use crate::stop::Interrupter;

/// Ids remembered: at 50 runs a minute, more than two hours. Some 100 bytes each once they ended;
/// one more would double a table of 8 Ki places, which is used to seven eighths.
const MAX_IDS: usize = 7 << 10;
/// Bytes of answers remembered in all: a sidecar has 10 MB for everything.
const MAX_BYTES: usize = 1 << 20;
/// Bytes of one answer; larger ones are remembered by their outcome alone.
pub const MAX_ANSWER: usize = 256 << 10;

/// An answer as it is remembered; `None` until the evaluation ends.
pub type Remembered = watch::Receiver<Option<Arc<[Event]>>>;

/// What was evaluated here.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_id: HashMap<RequestId, Entry>,
    oldest_first: VecDeque<RequestId>,
    answers_oldest_first: VecDeque<(RequestId, usize)>,
    bytes: usize,
    /// Every request that arrived later is remembered, and one that was signed later is new.
    remembers_since: Option<SystemTime>,
}

#[derive(Debug)]
struct Entry {
    arrived: SystemTime,
    caller: Arc<str>,
    /// The head of the expression's digest: enough to tell a caller's own expressions apart.
    asked: [u8; 8],
    state: State,
}

/// Two channels are more than half a kilobyte: an evaluation has them only while it runs.
#[derive(Debug)]
enum State {
    Running {
        interrupter: Interrupter,
        /// Where its input goes, if it reads any.
        feed: Option<Feed>,
        answer: watch::Sender<Option<Arc<[Event]>>>,
    },
    Ended(Arc<[Event]>),
    /// Ended, and its answer is too old to be kept.
    Shortened(Outcome),
}

impl State {
    fn is_running(&self) -> bool {
        matches!(self, State::Running { .. })
    }

    fn remembered(&self) -> Remembered {
        let ended = |events| watch::channel(Some(events)).1;
        match self {
            State::Running { answer, .. } => answer.subscribe(),
            State::Ended(events) => ended(Arc::clone(events)),
            State::Shortened(outcome) => ended(shortened(outcome)),
        }
    }
}

fn head(digest: Digest) -> [u8; 8] {
    std::array::from_fn(|place| digest.as_bytes()[place])
}

fn shortened(outcome: &Outcome) -> Arc<[Event]> {
    let note = "the answer is too old to be kept, only its outcome is";
    let done = Done::without_answer(outcome.clone());
    [Event::Notice(note.into()), Event::Done(done)].into()
}

/// What the ledger says of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It is new here and has been noted: run it, and tell its answer.
    Run,
    /// It ran or runs: this will be its answer.
    Again(Remembered),
    /// It is somebody else's.
    Foreign,
    /// As many evaluations as ids can be remembered are running.
    Full,
    /// It is not known here, and was not to be run.
    NotKnown,
    /// It is the same caller's, for another expression.
    Another,
}

impl Ledger {
    /// A ledger that begins now.
    pub fn since(begun: SystemTime) -> Ledger {
        let entries = Entries { remembers_since: Some(begun), ..Entries::default() };
        Ledger(Mutex::new(entries))
    }

    /// A request that was signed earlier may be one that is forgotten.
    pub fn remembers_since(&self) -> SystemTime {
        self.entries().remembers_since.unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Notes a request, unless it is known.
    pub fn begin(
        &self,
        id: RequestId,
        caller: &Arc<str>,
        asked: Digest,
        interrupter: Interrupter,
        feed: Option<Feed>,
    ) -> Verdict {
        let mut entries = self.entries();
        if let Some(known) = entries.known(&id, caller, asked) {
            return known;
        }
        if entries.by_id.len() >= MAX_IDS && !entries.forget_oldest_ended() {
            return Verdict::Full;
        }
        let answer = watch::channel(None).0;
        let state = State::Running { interrupter, feed, answer };
        let (arrived, caller, asked) = (SystemTime::now(), Arc::clone(caller), head(asked));
        entries.by_id.insert(id, Entry { arrived, caller, asked, state });
        entries.oldest_first.push_back(id);
        Verdict::Run
    }

    /// The answer of a request that was noted; nothing is noted now.
    pub fn recall(&self, id: RequestId, caller: &Arc<str>, asked: Digest) -> Verdict {
        self.entries().known(&id, caller, asked).unwrap_or(Verdict::NotKnown)
    }

    /// Remembers the answer of a request that [`Ledger::begin`] let run.
    pub fn end(&self, id: RequestId, answer: Vec<Event>, bytes: usize) {
        let mut entries = self.entries();
        let Some(entry) = entries.by_id.get_mut(&id) else { return };
        let events: Arc<[Event]> = answer.into();
        let before = std::mem::replace(&mut entry.state, State::Ended(Arc::clone(&events)));
        if let State::Running { answer, .. } = before {
            answer.send_replace(Some(events));
        }
        entries.answers_oldest_first.push_back((id, bytes));
        entries.bytes += bytes;
        while entries.bytes > MAX_BYTES {
            entries.shorten_oldest_answer();
        }
    }

    /// Asks a running evaluation to stop: this owner's, without one anybody's. Tells whether
    /// there is one.
    pub fn interrupt(&self, id: RequestId, owner: Option<&Arc<str>>) -> bool {
        let entries = self.entries();
        let is_meant = |entry: &&Entry| owner.is_none_or(|owner| entry.caller == *owner);
        match entries.by_id.get(&id).filter(is_meant) {
            Some(Entry { state: State::Running { interrupter, .. }, .. }) => {
                interrupter.interrupt();
                true
            }
            _ => false,
        }
    }

    /// Where the input of this owner's running evaluation goes, if it reads any; nothing when none
    /// of that request runs.
    pub fn feed(&self, id: RequestId, owner: &Arc<str>) -> Option<Option<Feed>> {
        match self.entries().by_id.get(&id).filter(|entry| entry.caller == *owner) {
            Some(Entry { state: State::Running { feed, .. }, .. }) => Some(feed.clone()),
            _ => None,
        }
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn known(&self, id: &RequestId, caller: &Arc<str>, asked: Digest) -> Option<Verdict> {
        let entry = self.by_id.get(id)?;
        Some(match (entry.caller == *caller, entry.asked == head(asked)) {
            (false, _) => Verdict::Foreign,
            (true, false) => Verdict::Another,
            (true, true) => Verdict::Again(entry.state.remembered()),
        })
    }

    fn forget_oldest_ended(&mut self) -> bool {
        let ended =
            |id: &RequestId| self.by_id.get(id).is_none_or(|entry| !entry.state.is_running());
        let Some(place) = self.oldest_first.iter().position(ended) else { return false };
        let gone = self.oldest_first.remove(place).and_then(|id| self.by_id.remove(&id));
        if let Some(gone) = gone {
            self.remembers_since = self.remembers_since.max(Some(gone.arrived + CLOCK_SKEW));
        }
        true
    }

    /// Keeps of the oldest answer its outcome alone.
    fn shorten_oldest_answer(&mut self) {
        let Some((id, bytes)) = self.answers_oldest_first.pop_front() else {
            self.bytes = 0;
            return;
        };
        self.bytes -= bytes;
        if let Some(entry) = self.by_id.get_mut(&id)
            && let State::Ended(events) = &entry.state
            && let Some(Event::Done(done)) = events.last()
        {
            entry.state = State::Shortened(done.outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::stop_at;
    use prepl_core::{Done, Outcome};
    use tokio::time::Instant;

    fn id(number: u16) -> RequestId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        RequestId::from_random(bytes)
    }

    fn begin(ledger: &Ledger, number: u16, caller: &str) -> Verdict {
        let interrupter = stop_at(Instant::now()).0;
        ledger.begin(id(number), &caller.into(), Digest::of("1"), interrupter, None)
    }

    fn answer() -> Vec<Event> {
        vec![Event::Started, Event::Done(Done::without_answer(Outcome::Ok))]
    }

    #[test]
    fn the_same_id_again_gets_the_first_answer() {
        let ledger = Ledger::default();
        assert!(matches!(begin(&ledger, 1, "a"), Verdict::Run));
        let Verdict::Again(running) = begin(&ledger, 1, "a") else { panic!("ran twice") };
        assert!(running.borrow().is_none());
        ledger.end(id(1), answer(), 10);
        assert_eq!(running.borrow().as_deref(), Some(&answer()[..]));
    }

    #[test]
    fn an_unknown_request_is_recalled_by_nobody_and_noted_by_no_recall() {
        let ledger = Ledger::default();
        assert!(matches!(ledger.recall(id(1), &"a".into(), Digest::of("1")), Verdict::NotKnown));
        assert!(matches!(begin(&ledger, 1, "a"), Verdict::Run));
        assert!(matches!(ledger.recall(id(1), &"a".into(), Digest::of("1")), Verdict::Again(_)));
        assert!(matches!(ledger.recall(id(1), &"b".into(), Digest::of("1")), Verdict::Foreign));
        assert!(matches!(ledger.recall(id(1), &"a".into(), Digest::of("2")), Verdict::Another));
    }

    #[test]
    fn an_answer_is_nobody_elses() {
        let ledger = Ledger::default();
        begin(&ledger, 1, "a");
        assert!(matches!(begin(&ledger, 1, "b"), Verdict::Foreign));
        assert!(!ledger.interrupt(id(1), Some(&"b".into())));
        assert!(ledger.interrupt(id(1), Some(&"a".into())));
        assert!(ledger.interrupt(id(1), None));
    }

    #[test]
    fn old_answers_shrink_to_their_outcome_and_are_still_not_run_again() {
        let ledger = Ledger::default();
        for number in 0..20 {
            begin(&ledger, number, "a");
            ledger.end(id(number), answer(), MAX_ANSWER);
        }
        let Verdict::Again(old) = begin(&ledger, 0, "a") else { panic!("ran twice") };
        let old = old.borrow().clone().unwrap();
        assert!(matches!(&old[..], [Event::Notice(_), Event::Done(_)]));
        let Verdict::Again(new) = begin(&ledger, 19, "a") else { panic!("ran twice") };
        assert_eq!(new.borrow().as_deref(), Some(&answer()[..]));
    }

    #[test]
    fn an_id_that_ended_costs_some_100_bytes() {
        let places = 8.0 / 7.0;
        assert!((size_of::<(RequestId, Entry)>() + size_of::<RequestId>()) as f64 * places < 120.0);
    }

    #[test]
    fn ids_are_bounded_and_running_ones_never_forgotten() {
        let ledger = Ledger::default();
        begin(&ledger, 0, "a");
        for number in 1..=MAX_IDS as u16 {
            assert!(matches!(begin(&ledger, number, "a"), Verdict::Run));
            ledger.end(id(number), answer(), 0);
        }
        assert!(matches!(begin(&ledger, 0, "a"), Verdict::Again(_)), "running");
        assert!(matches!(begin(&ledger, MAX_IDS as u16, "a"), Verdict::Again(_)), "young");
        assert!(matches!(begin(&ledger, 1, "a"), Verdict::Run), "old and ended");
        assert!(ledger.remembers_since() > SystemTime::now(), "what is forgotten may be signed");
    }
}
