use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::functions::SharedStore;
use crate::session::{Session, Start};

/// The most nREPL sessions at one time.
pub const MAX_SESSIONS: usize = 64;

/// A connection, to know which sessions end with it.
pub(crate) type ConnectionId = u64;

/// All nREPL sessions of the service.
///
/// Any connection may use any session; a session ends with the connection that made it.
pub(crate) struct Sessions {
    store: SharedStore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: BTreeMap<String, Open>,
    /// A session whose Scheme starts ahead of its use.
    spare: Option<Session>,
}

struct Open {
    session: Arc<Session>,
    owner: ConnectionId,
}

/// Why no session was made.
#[derive(Debug, Error)]
pub(crate) enum NotOpened {
    #[error("{MAX_SESSIONS} sessions are open, and no more are allowed; close one first")]
    TooMany,
    #[error("the system gives no thread for another session")]
    NoThread(#[from] io::Error),
}

impl Sessions {
    pub(crate) fn new(store: SharedStore) -> io::Result<Sessions> {
        let spare = Some(Session::start(store.clone(), Start::Ahead)?);
        Ok(Sessions { store, state: Mutex::new(State { spare, ..State::default() }) })
    }

    /// Makes a session and gives its id.
    pub(crate) fn open(&self, owner: ConnectionId) -> Result<String, NotOpened> {
        let mut state = self.lock();
        if state.open.len() >= MAX_SESSIONS {
            return Err(NotOpened::TooMany);
        }
        let (id, session) = (random_id(), Arc::new(self.take(&mut state)?));
        state.open.insert(id.clone(), Open { session, owner });
        Ok(id)
    }

    /// A session for one evaluation; it ends when its user drops it.
    pub(crate) fn ephemeral(&self) -> Result<Session, NotOpened> {
        Ok(self.take(&mut self.lock())?)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().open.get(id).map(|open| open.session.clone())
    }

    /// Ends a session and what runs in it; says whether there was one.
    pub(crate) fn close(&self, id: &str) -> bool {
        let mut state = self.lock();
        let Some(closed) = state.open.remove(id) else { return false };
        closed.session.interrupt.stop_anything();
        self.prepare_spare(&mut state);
        true
    }

    /// The sessions that this connection made.
    pub(crate) fn owned_by(&self, owner: ConnectionId) -> Vec<String> {
        let state = self.lock();
        let owned = state.open.iter().filter(|(_, open)| open.owner == owner);
        owned.map(|(id, _)| id.clone()).collect()
    }

    /// Takes the spare session; its Scheme is ready, or at least sooner than a new one.
    fn take(&self, state: &mut State) -> io::Result<Session> {
        let Some(spare) = state.spare.take() else {
            return Session::start(self.store.clone(), Start::OnDemand);
        };
        // While one still starts, another would only slow it down; `close` makes it up.
        if spare.is_warm() {
            self.prepare_spare(state);
        }
        Ok(spare)
    }

    /// Without a thread for a spare session, the next session starts on demand.
    fn prepare_spare(&self, state: &mut State) {
        if state.spare.is_none() {
            state.spare = Session::start(self.store.clone(), Start::Ahead).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id in the form of a random UUID; it keeps sessions apart and is no secret.
fn random_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
