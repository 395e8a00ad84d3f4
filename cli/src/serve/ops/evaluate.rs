//! `eval` and `load-file`: on all replicas, in a session or aside.

use std::sync::Arc;

use prepl_bencode::Value;
use prepl_core::{Expression, FileName, Origin};

use crate::problem::Problem;
use crate::serve::conduct::{Job, tell_problem};
use crate::serve::connection::Connection;
use crate::serve::fold::Values;
use crate::serve::reply::{Replies, Reply};
use crate::serve::request::Request;
use crate::talk::Ask;

/// What a file is called that has no name.
const UNNAMED: &str = "NO_SOURCE_FILE";
/// What a text is called that stands in no file, but has a place.
const NO_FILE: &str = "NO_SOURCE_PATH";

impl Connection {
    /// Evaluates a text.
    pub(super) async fn eval(&mut self, request: &Request) {
        let replies = self.replies(request);
        match request.get("code") {
            None => replies.done(Reply::refused("no-code")).await,
            Some(Value::Bytes(_)) => {
                let code = request.text("code").unwrap_or_default();
                self.evaluate(code, place(request), Values::Each, request, replies).await;
            }
            Some(_) => replies.done(Reply::refused("unknown-code-type")).await,
        }
    }

    /// Loads a file, whose content is in the message.
    pub(super) async fn load_file(&mut self, request: &Request) {
        let replies = self.replies(request);
        let Some(content) = request.get("file").and_then(Value::as_str) else {
            return replies.done(Reply::refused("no-file")).await;
        };
        let name = request.first(&["file-path", "file-name"]).and_then(|name| name.parse().ok());
        let origin = name.or_else(|| UNNAMED.parse().ok()).map_or(Origin::Typed, Origin::File);
        self.evaluate(content, origin, Values::Last, request, replies).await;
    }

    async fn evaluate(
        &mut self,
        text: &str,
        origin: Origin,
        values: Values,
        request: &Request,
        replies: Replies,
    ) {
        if prepl_reader::forms(text).is_empty() {
            return replies.done(Reply::done()).await;
        }
        let expression = match Expression::new(text) {
            Ok(expression) => expression,
            Err(bad) => return refuse(&Problem::usage(bad), replies).await,
        };
        let namespace = request.text("ns").map(Arc::from);
        let quota = request.number("nrepl.middleware.print/quota");
        let quota = quota.and_then(|quota| usize::try_from(quota).ok());
        let kept = self.session(request).is_some();
        // Input comes by the session; without one an evaluation reads the end of it.
        let ask = Ask { expression, namespace, origin, interactive: kept };
        self.put(Job { ask, values, quota, kept }, request, replies).await;
    }

    async fn put(&mut self, job: Job, request: &Request, replies: Replies) {
        let taken = match self.session(request) {
            Some(session) => session.ask(job, replies),
            None => self.aside(job, replies),
        };
        if let Err(replies) = taken {
            let crowded = Problem::failed("too many evaluations wait here already; try it later");
            refuse(&crowded, replies).await;
        }
    }
}

/// Where the text stands, if the client says so.
fn place(request: &Request) -> Origin {
    let file = request.first(&["file", "file-name"]);
    let line = request.number("line");
    if file.is_none() && line.is_none() {
        return Origin::Typed;
    }
    let file: Option<FileName> = file.unwrap_or(NO_FILE).parse().ok();
    let (line, column) = (line.unwrap_or(1), request.number("column").unwrap_or(1));
    file.map_or(Origin::Typed, |file| Origin::at(file, line, column))
}

async fn refuse(problem: &Problem, replies: Replies) {
    for reply in tell_problem(problem) {
        replies.tell(reply).await;
    }
    replies.done(Reply::done()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Origin {
        place(&Request::new(Value::dict(pairs.iter().map(|(key, text)| (*key, (*text).into())))))
    }

    #[test]
    fn a_place_is_told_by_file_line_and_column() {
        assert_eq!(of(&[]), Origin::Typed);
        assert_eq!(of(&[("column", "3")]), Origin::Typed);
        let file = |name: &str| name.parse().unwrap();
        let whole = of(&[("file", "a.clj"), ("line", "7"), ("column", "3")]);
        assert_eq!(whole, Origin::at(file("a.clj"), 7, 3));
        assert_eq!(of(&[("line", "7")]), Origin::at(file(NO_FILE), 7, 1));
        assert_eq!(of(&[("file", "a\n")]), Origin::Typed);
    }
}
