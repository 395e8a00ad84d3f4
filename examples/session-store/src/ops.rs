use std::io;
use std::sync::Arc;

use prepl_bencode::Value;

use crate::interrupt::NotInterrupted;
use crate::reply::{Peer, Reply, done};
use crate::scheme::STEEL_VERSION;
use crate::session::{Job, Mode, NotTaken};
use crate::sessions::{ConnectionId, NotOpened, Sessions};

/// The operations, as `describe` lists them.
const OPS: [&str; 8] =
    ["clone", "close", "describe", "eval", "interrupt", "load-file", "ls-sessions", "stdin"];
/// The most characters of one printed value when the request names no quota.
const DEFAULT_QUOTA: usize = 1024 * 1024;
/// The request's own limit for one printed value.
const QUOTA: &str = "nrepl.middleware.print/quota";

/// Answers the requests of one connection.
pub(crate) struct Requests {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) connection: ConnectionId,
    /// The version of the service.
    pub(crate) version: String,
}

impl Requests {
    /// Answers one request, or hands it to its session.
    ///
    /// # Errors
    ///
    /// When the peer takes no answers any more.
    pub(crate) fn answer(&self, request: &Value) -> io::Result<()> {
        let session = request.get_str("session").map(str::to_owned);
        let reply = Reply { peer: self.peer.clone(), id: request.get("id").cloned(), session };
        match request.get_str("op") {
            Some("clone") => self.clone_session(&reply),
            Some("close") => self.close(&reply),
            Some("describe") => self.describe(&reply),
            Some("eval") => self.evaluate(request.get_str("code"), Mode::Forms, request, reply),
            Some("load-file") => self.evaluate(request.get_str("file"), Mode::File, request, reply),
            Some("interrupt") => self.interrupt(request, &reply),
            Some("ls-sessions") => self.list(&reply),
            // Nothing here reads its input.
            Some("stdin") => reply.done(&[]),
            _ => reply.done(&["error", "unknown-op"]),
        }
    }

    /// Ends the connection and the sessions that were made on it.
    pub(crate) fn hang_up(&self) {
        self.peer.close();
        for id in self.sessions.owned_by(self.connection) {
            self.sessions.close(&id);
        }
    }

    fn clone_session(&self, reply: &Reply) -> io::Result<()> {
        match self.sessions.open(self.connection) {
            Ok(id) => reply.send([("new-session", id.into()), done(&[])]),
            Err(refused) => refuse_session(&refused, reply),
        }
    }

    fn close(&self, reply: &Reply) -> io::Result<()> {
        if reply.session.as_ref().is_some_and(|id| self.sessions.close(id)) {
            return reply.done(&["session-closed"]);
        }
        unknown_session(reply)
    }

    fn list(&self, reply: &Reply) -> io::Result<()> {
        let owned = self.sessions.owned_by(self.connection);
        reply.send([("sessions", Value::list(owned)), done(&[])])
    }

    fn describe(&self, reply: &Reply) -> io::Result<()> {
        let nothing = || Value::dict::<&str>([]);
        reply.send([
            ("ops", Value::dict(OPS.map(|op| (op, nothing())))),
            ("versions", versions()),
            (
                "aux",
                Value::dict(
                    [("current-ns", "user"), ("service-version", &*self.version)]
                        .map(|(key, text)| (key, Value::from(text))),
                ),
            ),
            done(&[]),
        ])
    }

    fn evaluate(
        &self,
        program: Option<&str>,
        mode: Mode,
        request: &Value,
        reply: Reply,
    ) -> io::Result<()> {
        let Some(program) = program else { return reply.done(&["error", "no-code"]) };
        let quota = request.get_int(QUOTA).and_then(|quota| usize::try_from(quota).ok());
        let quota =
            quota.filter(|&quota| quota > 0).map_or(DEFAULT_QUOTA, |it| it.min(DEFAULT_QUOTA));
        let job = Job { program: program.to_owned(), quota, mode, reply: reply.clone() };
        let taken = match &reply.session {
            Some(id) => match self.sessions.get(id) {
                Some(session) => session.evaluate(job),
                None => return unknown_session(&reply),
            },
            None => match self.sessions.ephemeral() {
                Ok(session) => session.evaluate(job),
                Err(refused) => return refuse_session(&refused, &reply),
            },
        };
        taken.or_else(|refused| refuse_job(refused, &reply))
    }

    fn interrupt(&self, request: &Value, reply: &Reply) -> io::Result<()> {
        let Some(id) = &reply.session else {
            return reply.done(&["error", "session-ephemeral"]);
        };
        let Some(session) = self.sessions.get(id) else { return unknown_session(reply) };
        match session.interrupt.ask(request.get("interrupt-id"), reply.clone()) {
            Ok(()) => Ok(()),
            Err(NotInterrupted::Idle) => reply.done(&["session-idle"]),
            Err(NotInterrupted::OtherId) => reply.done(&["error", "interrupt-id-mismatch"]),
        }
    }
}

fn unknown_session(reply: &Reply) -> io::Result<()> {
    reply.done(&["error", "unknown-session"])
}

fn refuse_session(refused: &NotOpened, reply: &Reply) -> io::Result<()> {
    reply.refuse(&refused.to_string(), &["session-limit"])
}

fn refuse_job(refused: NotTaken, reply: &Reply) -> io::Result<()> {
    match refused {
        NotTaken::Busy => reply.refuse("16 evaluations wait in this session; try later", &["busy"]),
        NotTaken::Gone => reply.refuse("the session has ended; clone a new one", &["busy"]),
    }
}

fn versions() -> Value {
    let parts = STEEL_VERSION.split('.').filter_map(|part| part.parse::<i64>().ok());
    let numbers = ["major", "minor", "incremental"].into_iter().zip(parts.map(Value::from));
    let steel = numbers.chain([("version-string", STEEL_VERSION.into())]);
    Value::dict([("steel", Value::dict(steel))])
}
