//! What is known of names: `completions`, `complete`, `lookup`, `info`, `eldoc`, `classpath`.
//!
//! One replica is asked, always the same: whoever types waits for it.

use std::sync::Arc;

use prepl_bencode::Value;
use prepl_fold::{Value as Form, canonical, read};

use crate::serve::connection::Connection;
use crate::serve::reply::{Replies, Reply};
use crate::serve::request::Request;
use crate::serve::server::Server;
use crate::tooling::complete::{Candidate, Completions};
use crate::tooling::lookup::Known;

impl Connection {
    /// Answers a question about names when the replica has answered.
    pub(super) async fn names(&mut self, request: Request) {
        let replies = self.replies(&request);
        let session = self.session(&request).and_then(|session| session.namespace());
        let namespace = request.text("ns").map(Arc::from).or(session);
        let server = Arc::clone(self.server());
        let crowded = replies.clone();
        let answered =
            async move { answer(&server, &request, namespace.as_deref(), replies).await };
        if !self.spawn(answered) {
            crowded.done(Reply::refused("busy")).await;
        }
    }

    /// None: what stands on the class path of one replica is of no use elsewhere.
    pub(super) async fn classpath(&self, request: &Request) {
        let nothing = Value::List(Vec::new());
        self.replies(request).done(Reply::done().with("classpath", nothing)).await;
    }
}

async fn answer(server: &Server, request: &Request, namespace: Option<&str>, replies: Replies) {
    let op = request.op();
    let adviser = server.adviser().await;
    let reply = match (op, asked(request)) {
        (_, None) => return replies.done(Reply::refused(&format!("{op}-error"))).await,
        ("completions" | "complete", Some(prefix)) => {
            server.tooling.complete(&adviser, prefix, namespace).await.map(completions)
        }
        (_, Some(symbol)) => {
            let known = server.tooling.lookup(&adviser, symbol, namespace).await;
            known.map(|known| looked_up(op, known))
        }
    };
    match reply {
        Ok(reply) => replies.done(reply).await,
        Err(problem) => {
            let refused = Reply::refused(&format!("{op}-error"));
            replies.done(refused.with("message", problem.to_string())).await;
        }
    }
}

/// The name, or the beginning of one, that is asked for: clients call it differently.
fn asked(request: &Request) -> Option<&str> {
    let mut keys = ["prefix", "sym", "symbol"].into_iter();
    keys.find_map(|key| request.get(key)).and_then(Value::as_str)
}

fn completions(completions: Completions) -> Reply {
    let candidate = |Candidate { text, kind, .. }| {
        Value::dict([("candidate", Value::from(text)), ("type", kind.as_str().into())])
    };
    let candidates = completions.candidates.into_iter().map(candidate);
    Reply::done().with("completions", Value::List(candidates.collect()))
}

fn looked_up(op: &str, known: Option<Known>) -> Reply {
    match (op, known) {
        ("lookup", None) => Reply::done().with("info", Value::List(Vec::new())),
        (op, None) => {
            let nothing = if op == "info" { "no-info" } else { "no-eldoc" };
            Reply::status(["done", nothing])
        }
        ("lookup", Some(known)) => Reply::done().with("info", Value::dict(info(known))),
        ("info", Some(known)) => info(known)
            .into_iter()
            .fold(Reply::done(), |reply, (key, value)| reply.with(key, value)),
        (_, Some(known)) => eldoc(known),
    }
}

/// As nREPL and cider-nrepl tell it.
fn info(known: Known) -> Vec<(&'static str, Value)> {
    let lists = known.arglists.join(" ");
    let flag = |is: bool| is.then(|| "true".to_owned());
    let texts = [
        ("ns", Some(known.namespace)),
        ("name", Some(known.name)),
        ("doc", known.doc),
        ("file", known.file),
        ("arglists", (!lists.is_empty()).then(|| format!("({lists})"))),
        ("arglists-str", Some(lists)),
        ("macro", flag(known.is_macro)),
        ("special-form", flag(known.is_special)),
        ("added", known.added),
        ("deprecated", known.deprecated),
    ];
    let numbers = [("line", known.line), ("column", known.column)];
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key, Value::from(text?))));
    let numbers =
        numbers.into_iter().filter_map(|(key, number)| Some((key, i64::from(number?).into())));
    texts.chain(numbers).collect()
}

/// As cider-nrepl tells it: argument lists apart into their words.
fn eldoc(known: Known) -> Reply {
    let words = |list: &String| match read(list, list.len()) {
        Some(Form::Vector(forms) | Form::List(forms)) => forms.iter().map(canonical).collect(),
        _ => vec![list.clone()],
    };
    let lists = known.arglists.iter().map(|list| Value::list(words(list)));
    let kind = match (known.is_macro, known.arglists.is_empty()) {
        (true, _) => "macro",
        (false, true) => "variable",
        (false, false) => "function",
    };
    Reply::done()
        .with("eldoc", Value::List(lists.collect()))
        .with("ns", known.namespace)
        .with("name", known.name)
        .with("type", kind)
        .with("docstring", known.doc.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> Known {
        Known {
            namespace: "clojure.core".into(),
            name: "map".into(),
            arglists: vec!["[f]".into(), "[f coll & {:keys [a]}]".into()],
            line: Some(7),
            ..Known::default()
        }
    }

    #[test]
    fn what_is_known_is_told_in_the_words_of_each_op() {
        let lookup = looked_up("lookup", Some(map()));
        let info = lookup.get("info").unwrap();
        assert_eq!(info.get_str("arglists"), Some("([f] [f coll & {:keys [a]}])"));
        assert_eq!((info.get_int("line"), info.get("macro")), (Some(7), None));
        assert_eq!(looked_up("info", Some(map())).text("name"), "map");
        let eldoc = looked_up("eldoc", Some(map()));
        let words = Value::list(["f", "coll", "&", "{:keys [a]}"]);
        let lists = Value::List(vec![Value::list(["f"]), words]);
        assert_eq!((eldoc.get("eldoc"), eldoc.text("type")), (Some(&lists), "function"));
    }

    #[test]
    fn what_is_not_known_is_told_as_that() {
        assert_eq!(looked_up("lookup", None).get("info"), Some(&Value::List(Vec::new())));
        assert!(looked_up("info", None).says("no-info"));
        assert!(looked_up("eldoc", None).says("no-eldoc"));
    }
}
