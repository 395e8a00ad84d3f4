//! One message to a client, and where the messages about one request go.

use std::collections::BTreeMap;

use prepl_bencode::Value;
use tokio::sync::mpsc;

/// A message to a client, without the names of its request and session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply(BTreeMap<Vec<u8>, Value>);

impl Reply {
    /// A message of another server; its names are none of ours.
    pub fn of(mut message: BTreeMap<Vec<u8>, Value>) -> Reply {
        message.remove(&b"id"[..]);
        message.remove(&b"session"[..]);
        Reply(message)
    }

    /// A message that only tells how it stands.
    pub fn status<'a>(words: impl IntoIterator<Item = &'a str>) -> Reply {
        Reply::default().with("status", Value::list(words))
    }

    /// The end of a request that went well.
    pub fn done() -> Reply {
        Reply::status(["done"])
    }

    /// The end of a request that is refused: `word` says why, as nREPL's servers say it.
    pub fn refused(word: &str) -> Reply {
        Reply::status(["error", word, "done"])
    }

    /// What was printed to standard output.
    pub fn out(text: impl Into<String>) -> Reply {
        Reply::default().with("out", Value::from(text.into()))
    }

    /// What was printed to standard error, or is to be seen as such.
    pub fn err(text: impl Into<String>) -> Reply {
        Reply::default().with("err", Value::from(text.into()))
    }

    /// Adds a key.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Reply {
        self.0.insert(key.into(), value.into());
        self
    }

    /// A value of it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key.as_bytes())
    }

    /// The text under a key; empty without one.
    #[cfg(test)]
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the status has a word.
    pub fn says(&self, word: &str) -> bool {
        match self.get("status") {
            Some(Value::List(words)) => words.iter().any(|told| told.as_str() == Some(word)),
            _ => false,
        }
    }
}

/// Where the messages about one request go.
///
/// A request has one end: [`Replies::done`] takes this away.
#[derive(Clone, Debug)]
pub struct Replies {
    to: mpsc::Sender<Value>,
    id: Option<Value>,
    session: String,
}

impl Replies {
    /// To a request with this id, if it has one, in this session.
    pub fn new(to: mpsc::Sender<Value>, id: Option<Value>, session: String) -> Replies {
        Replies { to, id, session }
    }

    /// The id of the request.
    pub fn id(&self) -> Option<&Value> {
        self.id.as_ref()
    }

    /// Sends a message; waits while the client does not read. False when it has left.
    pub async fn tell(&self, reply: Reply) -> bool {
        let mut message = reply.0;
        if let Some(id) = &self.id {
            message.insert(b"id".into(), id.clone());
        }
        message.insert(b"session".into(), Value::from(self.session.as_str()));
        self.to.send(Value::Dict(message)).await.is_ok()
    }

    /// Waits until the client has left.
    pub async fn left(&self) {
        self.to.closed().await;
    }

    /// Sends the last message.
    pub async fn done(self, last: Reply) {
        debug_assert!(last.says("done"));
        // Whoever has left needs no end.
        self.tell(last).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_carries_the_names_of_its_request_and_session() {
        let (to, mut from) = mpsc::channel(2);
        let replies = Replies::new(to.clone(), Some(Value::Int(7)), "s".to_owned());
        assert!(replies.tell(Reply::out("hi")).await);
        replies.done(Reply::refused("no-code")).await;
        let wanted =
            Value::dict([("id", Value::Int(7)), ("out", "hi".into()), ("session", "s".into())]);
        assert_eq!(from.recv().await, Some(wanted));
        let last = from.recv().await.unwrap();
        assert_eq!(last.get_strs("status"), ["error", "no-code", "done"]);
        Replies::new(to, None, "s".to_owned()).done(Reply::done()).await;
        assert_eq!(from.recv().await.unwrap().get("id"), None);
    }

    #[tokio::test]
    async fn a_client_that_left_is_noticed() {
        let (to, from) = mpsc::channel(1);
        drop(from);
        assert!(!Replies::new(to, None, String::new()).tell(Reply::done()).await);
    }
}
