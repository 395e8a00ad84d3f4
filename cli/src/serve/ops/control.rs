//! `interrupt` and `stdin`: for the evaluation that runs.

use bytes::Bytes;

use crate::serve::connection::Connection;
use crate::serve::reply::Reply;
use crate::serve::request::Request;
use crate::serve::turn::Interrupted;

impl Connection {
    /// Interrupts what runs in a session; the answer comes when it has ended.
    pub(super) async fn interrupt(&self, request: &Request) {
        let replies = self.replies(request);
        let Some(session) = self.session(request) else {
            return replies.done(Reply::refused("session-ephemeral")).await;
        };
        match session.turn().interrupt(request.get("interrupt-id"), replies) {
            Interrupted::Asked => {}
            Interrupted::Idle(replies) => {
                replies.done(Reply::status(["done", "session-idle"])).await;
            }
            Interrupted::Other(replies) => {
                replies.done(Reply::refused("interrupt-id-mismatch")).await;
            }
        }
    }

    /// Gives input to what runs in a session, on all its replicas.
    pub(super) async fn stdin(&self, request: &Request) {
        let replies = self.replies(request);
        let Some(session) = self.session(request) else {
            return replies.done(Reply::refused("session-ephemeral")).await;
        };
        // Nothing, and nREPL's nil, is the end of the input.
        let data = request.text("stdin").unwrap_or_default();
        let data = Bytes::copy_from_slice(data.as_bytes());
        if let Err((_, replies)) = session.turn().input(data, replies) {
            replies.done(Reply::refused("session-idle")).await;
        }
    }
}
