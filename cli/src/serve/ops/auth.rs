//! `auth`: the one thing that a client may say first where it has to know the token.

use crate::serve::connection::Connection;
use crate::serve::reply::Reply;
use crate::serve::request::Request;

impl Connection {
    /// Trusts a client that knows the token; another one is told, and heard no more.
    pub(super) async fn auth(&mut self, request: &Request) {
        let replies = self.replies(request);
        let told = request.text("token").filter(|_| request.op() == "auth");
        if self.trusts(told) {
            return replies.done(Reply::done()).await;
        }
        let words = "prepl: say {\"op\" \"auth\", \"token\" …} first; where the token is stands \
                     in the terminal of prepl serve nrepl\n";
        replies.tell(Reply::err(words)).await;
        replies.done(Reply::refused("unauthenticated")).await;
        self.leave();
    }
}
