//! `clone`, `close` and `ls-sessions`.

use prepl_bencode::Value;

use crate::serve::connection::Connection;
use crate::serve::reply::Reply;
use crate::serve::request::Request;

impl Connection {
    /// Opens a session. One that is cloned begins anew as well: its state is on the replicas.
    pub(super) async fn clone_session(&mut self, request: &Request) {
        let replies = self.replies(request);
        match self.open_session() {
            Ok(id) => replies.done(Reply::done().with("new-session", id)).await,
            Err(problem) => {
                replies.tell(Reply::err(format!("{problem}\n"))).await;
                replies.done(Reply::refused("clone-error")).await;
            }
        }
    }

    /// Ends a session, here and on the replicas.
    pub(super) async fn close_session(&mut self, request: &Request) {
        let replies = self.replies(request);
        match self.end_session(request) {
            true => replies.done(Reply::status(["done", "session-closed"])).await,
            false => replies.done(Reply::refused("session-ephemeral")).await,
        }
    }

    /// Those of this connection alone: a client may take the first for its own.
    pub(super) async fn list_sessions(&self, request: &Request) {
        let sessions = Value::list(self.session_ids());
        self.replies(request).done(Reply::done().with("sessions", sessions)).await;
    }
}
