//! What a client may ask for: a file for each family.

mod auth;
mod control;
mod describe;
mod evaluate;
mod names;
mod sessions;

use super::connection::Connection;
use super::reply::Reply;
use super::request::Request;

/// The operations that this server has itself.
pub const OWN: [&str; 14] = [
    "classpath",
    "clone",
    "close",
    "complete",
    "completions",
    "describe",
    "eldoc",
    "eval",
    "info",
    "interrupt",
    "load-file",
    "lookup",
    "ls-sessions",
    "stdin",
];

impl Connection {
    /// Answers one request, or sees to it that it is answered.
    pub async fn answer(&mut self, request: Request) {
        if !self.is_trusted() {
            return self.auth(&request).await;
        }
        if !self.knows_session(&request) {
            let replies = self.replies(&request);
            return replies.done(Reply::refused("unknown-session")).await;
        }
        match request.op() {
            "clone" => self.clone_session(&request).await,
            "close" => self.close_session(&request).await,
            "ls-sessions" => self.list_sessions(&request).await,
            "describe" => self.describe(&request).await,
            "eval" => self.eval(&request).await,
            "load-file" => self.load_file(&request).await,
            "interrupt" => self.interrupt(&request).await,
            "stdin" => self.stdin(&request).await,
            "completions" | "complete" | "lookup" | "info" | "eldoc" => self.names(request).await,
            "classpath" => self.classpath(&request).await,
            "auth" => self.auth(&request).await,
            _ => self.lead(request).await,
        }
    }
}
