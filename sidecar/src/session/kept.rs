//! Sessions that are kept under a name, each for one caller and for a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use prepl_core::SessionName;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::{NoSession, Session};
use crate::caller::Caller;

/// A kept session that nobody used for so long is closed.
pub const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Kept sessions at a time; each is a connection here and a thread in a JVM.
const MAX_KEPT: usize = 64;

/// The kept sessions of all callers.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<Key, Entry>>);

type Key = (Arc<str>, SessionName);
/// One evaluation at a time holds it; others of that name wait in line.
pub(super) type Slot = Arc<tokio::sync::Mutex<Place>>;

/// What is kept under a name.
#[derive(Default)]
pub(super) enum Place {
    /// Nothing yet, or the last session was of no more use.
    #[default]
    Empty,
    /// A session.
    Open(Session),
    /// It was ended: whoever waited for it looks for the name again.
    Ended,
}

struct Entry {
    slot: Slot,
    used: Instant,
    /// When the access is over under which it was used last.
    until: Option<Instant>,
}

impl Place {
    /// The session, if there is one.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match self {
            Place::Open(session) => Some(session),
            Place::Empty | Place::Ended => None,
        }
    }
}

impl Kept {
    /// The place of this caller's name, once nobody else evaluates there.
    pub(super) async fn take(
        &self,
        caller: &Caller,
        name: &SessionName,
    ) -> Result<OwnedMutexGuard<Place>, NoSession> {
        loop {
            let place = self.slot(caller, name)?.lock_owned().await;
            if !matches!(*place, Place::Ended) {
                return Ok(place);
            }
        }
    }

    /// Takes the name away from this caller; what was kept there is to be closed.
    pub(super) fn remove(&self, caller: &Arc<str>, name: &SessionName) -> Option<Slot> {
        let entry = self.entries().remove(&(Arc::clone(caller), name.clone()));
        entry.map(|entry| entry.slot)
    }

    /// Takes away what has been idle for too long at `now`, and what no access is good for any more.
    pub(super) fn remove_old(&self, now: Instant) -> Vec<Slot> {
        let is_idle =
            |entry: &Entry| is_free(&entry.slot) && now.duration_since(entry.used) > IDLE_LIMIT;
        let is_over = |entry: &Entry| entry.until.is_some_and(|until| until <= now);
        let mut entries = self.entries();
        let old = entries.extract_if(|_, entry| is_idle(entry) || is_over(entry));
        old.map(|(_, entry)| entry.slot).collect()
    }

    fn slot(&self, caller: &Caller, name: &SessionName) -> Result<Slot, NoSession> {
        let key = (Arc::clone(&caller.name), name.clone());
        let mut entries = self.entries();
        if !entries.contains_key(&key) {
            let own = entries.keys().filter(|(owner, _)| *owner == key.0).count();
            if own >= caller.portion.sessions() || entries.len() >= MAX_KEPT {
                return Err(NoSession::TooMany);
            }
        }
        let (used, until) = (Instant::now(), moment(caller.until));
        let entry =
            entries.entry(key).or_insert_with(|| Entry { slot: Slot::default(), used, until });
        (entry.used, entry.until) = (used, until);
        Ok(Arc::clone(&entry.slot))
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what was taken away: at once, or after the evaluation that has it. Needs a tokio runtime.
pub(super) async fn close(slot: Slot) {
    let is_free = is_free(&slot);
    // A task of its own: whoever waits for it may stop waiting, and the good-bye is still said.
    let closing = tokio::spawn(async move {
        let place = std::mem::replace(&mut *slot.lock().await, Place::Ended);
        if let Place::Open(session) = place {
            session.close().await;
        }
    });
    if is_free {
        let _ = closing.await;
    }
}

/// A slot that somebody else holds too is in use.
fn is_free(slot: &Slot) -> bool {
    Arc::strong_count(slot) == 1
}

/// That time by the clock which nobody sets; `None` is too far away to be told.
fn moment(time: SystemTime) -> Option<Instant> {
    let left = time.duration_since(SystemTime::now()).unwrap_or_default();
    Instant::now().checked_add(left)
}
