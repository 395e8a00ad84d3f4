//! REPL state on this replica: a fresh session for each evaluation, or a kept one by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prepl_core::read_only::{Function, Keeper};
use prepl_core::{Description, SessionName};
use prepl_script::{Engine, Sight};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::budget::{Budget, Share};
use crate::driver::clojure::Clojure;
use crate::driver::nrepl::Nrepl;
use crate::driver::rhai::{self, RhaiSession};
use crate::driver::stream::{Ending, NotOpened, StreamSession};
use crate::driver::{Ask, Conversation, Runtime, Said};
use crate::endpoint::{Endpoint, Repl};
use crate::stop::Stop;

/// Longest wait for the runtime to open a session.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// Longest good-bye.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// A kept session that nobody used for so long is closed.
pub const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// A spare session that nobody needed for so long is closed.
const SPARE_LIMIT: Duration = Duration::from_secs(60);
/// Kept sessions at a time; each is a connection here and a thread in a JVM.
const MAX_KEPT: usize = 64;

/// A session with the runtime.
pub enum Session {
    /// Over a stream.
    Stream(Box<StreamSession>),
    /// In this process.
    Rhai(RhaiSession),
}

/// Opens sessions with one runtime and keeps those that have a name.
pub struct Sessions {
    repl: Repl,
    engine: Engine,
    budget: Budget,
    spare: Mutex<Option<(Session, Instant)>>,
    kept: Mutex<HashMap<Key, Kept>>,
}

type Key = (Arc<str>, SessionName);
type Slot = Arc<tokio::sync::Mutex<Option<Session>>>;

struct Kept {
    slot: Slot,
    used: Instant,
}

/// A session for one evaluation; tell with [`Lease::give_back`] how it went.
pub struct Lease(Held);

enum Held {
    /// Nobody sees it again.
    Fresh(Session),
    /// Goes back to its name; while it is held, others of that name wait in line.
    Named(OwnedMutexGuard<Option<Session>>),
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// The runtime gives none.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    /// Too many names are in use, by all callers or by this one.
    #[error(
        "too many sessions are kept here already; use a name of yours again, or wait until one is \
         idle"
    )]
    TooMany,
}

impl Session {
    /// Evaluates; see [`StreamSession::evaluate`].
    pub async fn evaluate(
        &mut self,
        ask: &Ask,
        said: &tokio::sync::mpsc::Sender<Said>,
        stop: &mut Stop,
        grace: Duration,
    ) -> Ending {
        match self {
            Session::Stream(session) => session.evaluate(ask, said, stop, grace).await,
            Session::Rhai(session) => session.evaluate(ask, said, stop, grace).await,
        }
    }

    /// What keeps a read-only evaluation in it from writing; `function` is the app's own.
    fn keeper(&self, function: Option<&Function>) -> Option<Keeper> {
        match self {
            Session::Stream(session) if session.evaluates_within() => {
                function.cloned().map(Keeper::Function)
            }
            Session::Stream(_) => None,
            Session::Rhai(_) => Some(Keeper::Engine),
        }
    }

    fn is_usable(&mut self) -> bool {
        match self {
            Session::Stream(session) => session.is_connected(),
            Session::Rhai(_) => true,
        }
    }

    async fn close(self) {
        if let Session::Stream(session) = self {
            session.close(CLOSE_LIMIT).await;
        }
    }
}

impl Sessions {
    /// Sessions with the runtime at `repl`; scripts of the `rhai:` endpoint see `sight`.
    pub fn new(repl: impl Into<Repl>, sight: Sight) -> Arc<Sessions> {
        Arc::new(Sessions {
            repl: repl.into(),
            engine: Engine::new(sight, rhai::limits()),
            budget: Budget::default(),
            spare: Mutex::new(None),
            kept: Mutex::new(HashMap::new()),
        })
    }

    /// A session for one evaluation: the named one of this caller, or a fresh one.
    pub async fn lease(
        self: &Arc<Self>,
        caller: &Arc<str>,
        name: Option<&SessionName>,
        own_most: usize,
    ) -> Result<Lease, NoSession> {
        let Some(name) = name else { return Ok(Lease(Held::Fresh(self.fresh().await?))) };
        let mut slot = self.slot((Arc::clone(caller), name.clone()), own_most)?.lock_owned().await;
        if !slot.as_mut().is_some_and(Session::is_usable) {
            *slot = Some(self.fresh().await?);
        }
        Ok(Lease(Held::Named(slot)))
    }

    /// A share of the memory for large answers.
    pub fn share(&self) -> Share {
        self.budget.share()
    }

    /// What the runtime is; a session is opened for it.
    pub async fn describe(&self) -> Result<Description, NotOpened> {
        let (session, runtime) = self.open().await?;
        let read_only = self.keeper(&session);
        session.close().await;
        Ok(Description {
            sidecar_version: env!("CARGO_PKG_VERSION").into(),
            driver: self.repl.endpoint.driver().into(),
            language: runtime.language,
            runtime_version: runtime.version,
            interrupt: runtime.interrupt,
            read_only,
        })
    }

    /// What keeps a read-only evaluation in a session from writing.
    pub fn keeper(&self, session: &Session) -> Option<Keeper> {
        session.keeper(self.repl.read_only.as_ref())
    }

    /// Closes what has been idle for too long at `now`; to be called now and then.
    ///
    /// With a good-bye: an nREPL session outlives its connection, and each is a thread of the app.
    pub async fn retire_idle(&self, now: Instant) {
        self.budget.sweep();
        let old = |since: Instant, limit| now.duration_since(since) > limit;
        // A slot that somebody else holds too is in use.
        let idle = |kept: &Kept| Arc::strong_count(&kept.slot) == 1 && old(kept.used, IDLE_LIMIT);
        let retired: Vec<_> = self.kept().extract_if(|_, kept| idle(kept)).collect();
        for (_, kept) in retired {
            if let Some(session) = kept.slot.lock().await.take() {
                session.close().await;
            }
        }
        let spare = self.spare().take_if(|(_, since)| old(*since, SPARE_LIMIT));
        if let Some((session, _)) = spare {
            session.close().await;
        }
    }

    /// Opens a session ahead of the next evaluation that needs a fresh one.
    pub async fn refill(&self) {
        if self.spare().is_some() || matches!(self.repl.endpoint, Endpoint::Rhai) {
            return;
        }
        if let Ok((session, _)) = self.open().await {
            *self.spare() = Some((session, Instant::now()));
        }
    }

    async fn fresh(&self) -> Result<Session, NotOpened> {
        let spare = self.spare().take();
        if let Some((mut session, _)) = spare
            && session.is_usable()
        {
            return Ok(session);
        }
        Ok(self.open().await?.0)
    }

    async fn open(&self) -> Result<(Session, Runtime), NotOpened> {
        let (address, conversation): (_, Box<dyn Conversation>) = match self.repl.endpoint {
            Endpoint::Nrepl(address) => (address, Box::new(Nrepl::new())),
            Endpoint::Clojure(address) => (address, Box::new(Clojure::new())),
            Endpoint::Rhai => {
                let session = RhaiSession::new(self.engine.clone());
                return Ok((Session::Rhai(session), rhai::runtime()));
            }
        };
        let share = self.share();
        let opened = StreamSession::open(address, conversation, share, OPEN_LIMIT).await;
        let (session, runtime) = opened?;
        Ok((Session::Stream(Box::new(session)), runtime))
    }

    fn slot(&self, key: Key, own_most: usize) -> Result<Slot, NoSession> {
        let mut kept = self.kept();
        if !kept.contains_key(&key) {
            let own = kept.keys().filter(|(caller, _)| *caller == key.0).count();
            if own >= own_most || kept.len() >= MAX_KEPT {
                return Err(NoSession::TooMany);
            }
        }
        let now = Instant::now();
        let entry = kept.entry(key).or_insert_with(|| Kept { slot: Slot::default(), used: now });
        entry.used = now;
        Ok(Arc::clone(&entry.slot))
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Option<(Session, Instant)>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The session, if it still is one.
    pub fn session(&mut self) -> Option<&mut Session> {
        match &mut self.0 {
            Held::Fresh(session) => Some(session),
            Held::Named(slot) => slot.as_mut(),
        }
    }

    /// Keeps a named session for the next evaluation, unless `ending` left it useless.
    ///
    /// A fresh one says its good-bye while nobody waits; needs a tokio runtime.
    pub fn give_back(self, ending: &Ending) {
        match self.0 {
            Held::Fresh(Session::Stream(session)) if ending.keeps_session() => {
                tokio::spawn(session.close(CLOSE_LIMIT));
            }
            Held::Named(mut slot) if !ending.keeps_session() => *slot = None,
            Held::Fresh(_) | Held::Named(_) => {}
        }
    }
}
