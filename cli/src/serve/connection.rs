//! One client: what it asks is answered, and what it opened ends with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prepl_bencode::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::conduct::Job;
use super::lead::Way;
use super::reply::Replies;
use super::request::Request;
use super::server::Server;
use super::session::{self, Session};
use super::wire::{self, Gone, MAX_FIRST_MESSAGE, MAX_MESSAGE, Reader};
use crate::ids;
use crate::problem::Problem;

/// Messages that wait for a client to read them.
const MAX_UNREAD: usize = 64;
/// Sessions of one client; a sidecar keeps 64 for all.
const MAX_SESSIONS: usize = 16;
/// Questions about names and evaluations aside, at a time.
const MAX_TASKS: usize = 32;
/// How long a client may take to ask for something, and to show its token where one is wanted: the
/// places of those who say nothing are needed by others.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// How long a client that leaves may take to read what waits for it.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// A client that is connected.
pub struct Connection {
    server: Arc<Server>,
    to: mpsc::Sender<Value>,
    sessions: HashMap<String, Session>,
    /// What answers to requests without a session carry.
    nameless: String,
    /// What goes on beside the requests that are read.
    tasks: JoinSet<()>,
    way: Way,
    trusted: bool,
    left: bool,
}

/// Serves a client until it leaves, or until `stopped` turns true.
pub async fn serve(
    server: Arc<Server>,
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Gone> {
    let (reader, writer) = tokio::io::split(stream);
    let (to, unread) = mpsc::channel(MAX_UNREAD);
    let (end, ended) = oneshot::channel();
    let mut writing = tokio::spawn(wire::write(unread, writer, ended));
    let mut connection = Connection::new(server, to.clone());
    let read = tokio::select! {
        read = connection.read(reader) => read,
        () = to.closed() => Ok(()),
        _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
    };
    // The writer may have ended already.
    let _ = end.send(());
    if timeout(GOOD_BYE, &mut writing).await.is_err() {
        writing.abort();
    }
    connection.end().await;
    read
}

impl Connection {
    fn new(server: Arc<Server>, to: mpsc::Sender<Value>) -> Connection {
        Connection {
            trusted: server.token.is_none(),
            server,
            to,
            sessions: HashMap::new(),
            nameless: ids::uuid().unwrap_or_default(),
            tasks: JoinSet::new(),
            way: Way::default(),
            left: false,
        }
    }

    async fn read(&mut self, stream: impl AsyncRead + Unpin) -> Result<(), Gone> {
        let mut reader = self.meet(stream).await?;
        while !self.left
            && let Some(message) = reader.next().await?
        {
            while self.tasks.try_join_next().is_some() {}
            self.answer(Request::new(message)).await;
        }
        Ok(())
    }

    /// Answers until the client has asked for something and is trusted, within a bounded time.
    async fn meet<R: AsyncRead + Unpin>(&mut self, stream: R) -> Result<Reader<R>, Gone> {
        let largest = if self.trusted { MAX_MESSAGE } else { MAX_FIRST_MESSAGE };
        let mut reader = Reader::new(stream, largest);
        let met = timeout(FIRST_WORD, async {
            while let Some(message) = reader.next().await? {
                self.answer(Request::new(message)).await;
                if self.trusted || self.left {
                    break;
                }
            }
            Ok(())
        });
        met.await.unwrap_or(Err(Gone::Silent(FIRST_WORD)))?;
        reader.allow(MAX_MESSAGE);
        Ok(reader)
    }

    /// Ends all that it opened.
    async fn end(mut self) {
        for (_, session) in self.sessions.drain() {
            self.tasks.spawn(session.close());
        }
        self.tasks.spawn(self.way.close());
        while self.tasks.join_next().await.is_some() {}
    }

    /// What all clients share.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Its way to the lead.
    pub fn way(&self) -> Way {
        self.way.clone()
    }

    /// Where the answers to a request go.
    pub fn replies(&self, request: &Request) -> Replies {
        let session = request.session().unwrap_or(&self.nameless).to_owned();
        Replies::new(self.to.clone(), request.id(), session)
    }

    /// The session that a request is for.
    pub fn session(&self, request: &Request) -> Option<&Session> {
        self.sessions.get(request.session()?)
    }

    /// Whether the session that a request names is one of this client, if it names one.
    pub fn knows_session(&self, request: &Request) -> bool {
        request.session().is_none_or(|session| self.sessions.contains_key(session))
    }

    /// The names of its sessions.
    pub fn session_ids(&self) -> impl Iterator<Item = &str> {
        self.sessions.keys().map(String::as_str)
    }

    /// Opens a session; gives its name.
    pub fn open_session(&mut self) -> Result<String, Problem> {
        if self.sessions.len() == MAX_SESSIONS {
            let most = format!("a client has {MAX_SESSIONS} sessions at most; close one");
            return Err(Problem::failed(most));
        }
        let (id, session) = (ids::uuid()?, Session::open(&self.server)?);
        self.sessions.insert(id.clone(), session);
        Ok(id)
    }

    /// Begins to end the session of a request; false when it names none.
    pub fn end_session(&mut self, request: &Request) -> bool {
        let session = request.session().and_then(|session| self.sessions.remove(session));
        let Some(session) = session else { return false };
        self.tasks.spawn(session.close());
        true
    }

    /// Evaluates outside of every session; gives the replies back when there is too much of it.
    pub fn aside(&mut self, job: Job, replies: Replies) -> Result<(), Replies> {
        if self.tasks.len() >= MAX_TASKS {
            return Err(replies);
        }
        self.tasks.spawn(session::aside(Arc::clone(&self.server), job, replies));
        Ok(())
    }

    /// Does something beside the requests that are read; false when there is too much of it.
    pub fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        let has_place = self.tasks.len() < MAX_TASKS;
        if has_place {
            self.tasks.spawn(work);
        }
        has_place
    }

    /// Whether it may ask for anything.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Trusts it from now on, if that is the token, or none is needed.
    pub fn trusts(&mut self, told: Option<&str>) -> bool {
        self.trusted |=
            self.server.token.as_ref().zip(told).is_some_and(|(token, told)| token.is(told));
        self.trusted
    }

    /// Nothing more is read from it.
    pub fn leave(&mut self) {
        self.left = true;
    }
}
