//! REPL state on this replica: a fresh session for each evaluation, or a kept one by name.

mod kept;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prepl_core::read_only::{Function, Keeper};
use prepl_core::{Description, Evaluation, Outcome, SessionName};
use prepl_script::{Engine, Sight};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::budget::{Budget, Share};
use crate::caller::Caller;
use crate::driver::clojure::Clojure;
use crate::driver::nrepl::Nrepl;
use crate::driver::rhai::{self, RhaiSession};
use crate::driver::stream::{Ending, NotOpened, StreamSession};
use crate::driver::{Ask, Conversation, Runtime, Said};
use crate::endpoint::{Endpoint, Repl};
use crate::input::Inbox;
use crate::loaded::{Loaded, Loading};
use crate::stop::Stop;
pub use kept::IDLE_LIMIT;
use kept::{Kept, Place};

/// Longest wait for the runtime to open a session.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// Longest good-bye.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// A spare session that nobody needed for so long is closed.
const SPARE_LIMIT: Duration = Duration::from_secs(60);

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
    kept: Kept,
    loaded: Arc<Loaded>,
}

/// A session for one evaluation; tell with [`Lease::give_back`] how it went.
pub struct Lease {
    held: Held,
    began: bool,
}

enum Held {
    /// Nobody sees it again.
    Fresh(Session),
    /// Goes back to its name; while it is held, others of that name wait in line.
    Named(OwnedMutexGuard<Place>),
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
        inbox: &Inbox,
        stop: &mut Stop,
        grace: Duration,
    ) -> Ending {
        match self {
            Session::Stream(session) => session.evaluate(ask, said, inbox, stop, grace).await,
            // The engine has no function that reads input.
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
            kept: Kept::default(),
            loaded: Arc::default(),
        })
    }

    /// A session for one evaluation: the named one of this caller, or a fresh one.
    pub async fn lease(
        self: &Arc<Self>,
        caller: &Caller,
        name: Option<&SessionName>,
    ) -> Result<Lease, NoSession> {
        let Some(name) = name else {
            return Ok(Lease { held: Held::Fresh(self.fresh().await?), began: false });
        };
        let mut place = self.kept.take(caller, name).await?;
        let began = !place.session().is_some_and(Session::is_usable);
        if began {
            *place = Place::Open(self.fresh().await?);
        }
        Ok(Lease { held: Held::Named(place), began })
    }

    /// Ends the session that is kept for this caller under a name, after the evaluation that it
    /// has. Tells whether there was one.
    pub async fn end(&self, caller: &Arc<str>, name: &SessionName) -> bool {
        match self.kept.remove(caller, name) {
            Some(slot) => {
                kept::close(slot).await;
                true
            }
            None => false,
        }
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
            loaded: self.loaded.files(),
        })
    }

    /// To be called before an evaluation that may load a file, and its end with
    /// [`Sessions::loaded`].
    pub async fn loading(&self, evaluation: &Evaluation) -> Option<Loading> {
        let file = evaluation.origin.whole_file()?;
        self.loaded.begin(file, &evaluation.expression, self.repl.endpoint.address()).await
    }

    /// Remembers a file that was loaded to its end; see [`Loaded::end`].
    pub fn loaded(&self, loading: Loading, outcome: &Outcome) {
        self.loaded.end(loading, outcome);
    }

    /// What keeps a read-only evaluation in a session from writing.
    pub fn keeper(&self, session: &Session) -> Option<Keeper> {
        session.keeper(self.repl.read_only.as_ref())
    }

    /// Closes what has been idle for too long at `now`, and what is kept for an access that is over;
    /// to be called now and then.
    ///
    /// With a good-bye: an nREPL session outlives its connection, and each is a thread of the app.
    pub async fn retire(&self, now: Instant) {
        self.budget.sweep();
        for slot in self.kept.remove_old(now) {
            kept::close(slot).await;
        }
        let spare = self.spare().take_if(|(_, since)| now.duration_since(*since) > SPARE_LIMIT);
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

    /// A poisoned lock is safe: no step between two changes can panic.
    fn spare(&self) -> std::sync::MutexGuard<'_, Option<(Session, Instant)>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The session, if it still is one.
    pub fn session(&mut self) -> Option<&mut Session> {
        match &mut self.held {
            Held::Fresh(session) => Some(session),
            Held::Named(place) => place.session(),
        }
    }

    /// Whether a kept session was asked for and there was none.
    pub fn session_began(&self) -> bool {
        self.began
    }

    /// Keeps a named session for the next evaluation, unless `ending` left it useless.
    ///
    /// A fresh one says its good-bye while nobody waits; needs a tokio runtime.
    pub fn give_back(self, ending: &Ending) {
        match self.held {
            Held::Fresh(Session::Stream(session)) if ending.keeps_session() => {
                tokio::spawn(session.close(CLOSE_LIMIT));
            }
            Held::Named(mut place) if !ending.keeps_session() => *place = Place::Empty,
            Held::Fresh(_) | Held::Named(_) => {}
        }
    }
}
