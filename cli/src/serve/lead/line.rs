//! One client's connection to the lead: requests go there as they are, but for their names.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prepl_bencode::Value;
use tokio::io::{AsyncRead, DuplexStream, duplex, split};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Lead;
use crate::problem::Problem;
use crate::reach::Attached;
use crate::serve::reply::{Replies, Reply};
use crate::serve::request::Request;
use crate::serve::wire::{self, MAX_MESSAGE, Reader};

/// Bytes that wait on the way in each direction.
const BUFFER: usize = 64 << 10;
/// Requests that wait to be sent.
const MAX_UNSENT: usize = 16;
/// Requests that wait for an answer.
const MAX_WAITING: usize = 64;
/// How long the lead may take to say good-bye.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// A connection to the lead.
pub struct Line {
    to: mpsc::Sender<Value>,
    waiting: Arc<Mutex<Waiting>>,
    /// The lead's own sessions, by those of the client.
    sessions: HashMap<String, Value>,
    /// What carries it; it ends with this.
    tasks: JoinSet<()>,
}

/// Who waits for the lead's answers.
#[derive(Default)]
struct Waiting {
    last_id: i64,
    by_id: HashMap<i64, Waiter>,
    broken: bool,
}

enum Waiter {
    /// A client, for all messages up to the last.
    Client(Replies),
    /// This server, for the first one.
    Us(oneshot::Sender<Value>),
}

impl Line {
    /// Opens a connection of its own.
    pub async fn open(lead: &Lead) -> Result<Line, Problem> {
        let attached = lead.attach().await?;
        let (ours, theirs) = duplex(BUFFER);
        let mut line = Line::over(ours, lead.name.clone());
        line.tasks.spawn(carry(attached, theirs));
        Ok(line)
    }

    /// Over a stream to the lead of this name, by which its answers are marked.
    fn over(stream: DuplexStream, name: String) -> Line {
        let (reader, writer) = split(stream);
        let (to, unsent) = mpsc::channel(MAX_UNSENT);
        let (waiting, mut tasks) = (Arc::<Mutex<Waiting>>::default(), JoinSet::new());
        tasks.spawn(async move {
            // It is the reader that notices a lead that left.
            let (_open, ended) = oneshot::channel();
            let _ = wire::write(unsent, writer, ended).await;
        });
        tasks.spawn(read(Reader::new(reader, MAX_MESSAGE), Arc::clone(&waiting), name));
        Line { to, waiting, sessions: HashMap::new(), tasks }
    }

    /// Whether the lead has left.
    pub fn is_broken(&self) -> bool {
        lock(&self.waiting).broken
    }

    /// What it says that it can do.
    pub async fn ops(&mut self) -> Option<Vec<String>> {
        let described = self.ask(Value::dict([("op", Value::from("describe"))])).await?;
        match described.get("ops")? {
            Value::Dict(ops) => {
                Some(ops.keys().filter_map(|op| String::from_utf8(op.clone()).ok()).collect())
            }
            Value::List(ops) => {
                Some(ops.iter().filter_map(|op| op.as_str().map(str::to_owned)).collect())
            }
            _ => None,
        }
    }

    /// Passes a request on, in a session of the lead's own for each of the client's.
    pub async fn pass(&mut self, request: &Request, replies: Replies) {
        let session = match request.session() {
            Some(session) => match self.session(session).await {
                Some(session) => Some(session),
                None => return Waiter::Client(replies).dismiss().await,
            },
            None => None,
        };
        let mut message = request.message().clone();
        if let Value::Dict(entries) = &mut message {
            entries.remove(&b"session"[..]);
            entries.extend(session.map(|session| (b"session".to_vec(), session)));
        }
        self.send(message, Waiter::Client(replies)).await;
    }

    /// Says good-bye: sessions there would outlive the connection.
    pub async fn close(mut self) {
        let sessions = std::mem::take(&mut self.sessions);
        let closed = async {
            for session in sessions.into_values() {
                self.ask(Value::dict([("op", Value::from("close")), ("session", session)])).await;
            }
        };
        // One that does not answer is left as it is.
        let _ = timeout(GOOD_BYE, closed).await;
        drop(self.to);
        let _ = timeout(GOOD_BYE, async { while self.tasks.join_next().await.is_some() {} }).await;
    }

    async fn session(&mut self, own: &str) -> Option<Value> {
        if let Some(session) = self.sessions.get(own) {
            return Some(session.clone());
        }
        let cloned = self.ask(Value::dict([("op", Value::from("clone"))])).await?;
        let session = cloned.get("new-session")?.clone();
        self.sessions.insert(own.to_owned(), session.clone());
        Some(session)
    }

    /// Asks for ourselves; gives the first message of the answer.
    async fn ask(&self, message: Value) -> Option<Value> {
        let (to, answer) = oneshot::channel();
        self.send(message, Waiter::Us(to)).await;
        answer.await.ok()
    }

    /// Sends a message under an id of this line.
    async fn send(&self, mut message: Value, waiter: Waiter) {
        let place = lock(&self.waiting).wait(waiter);
        let id = match place {
            Ok(id) => id,
            Err(waiter) => return waiter.dismiss().await,
        };
        if let Value::Dict(entries) = &mut message {
            entries.insert(b"id".to_vec(), Value::from(id.to_string()));
        }
        if self.to.send(message).await.is_err() {
            let waiter = lock(&self.waiting).by_id.remove(&id);
            if let Some(waiter) = waiter {
                waiter.dismiss().await;
            }
        }
    }
}

impl Waiting {
    /// A place to wait in, and its id; gives the waiter back when there is none.
    fn wait(&mut self, waiter: Waiter) -> Result<i64, Waiter> {
        if self.broken || self.by_id.len() >= MAX_WAITING {
            return Err(waiter);
        }
        self.last_id += 1;
        self.by_id.insert(self.last_id, waiter);
        Ok(self.last_id)
    }

    /// Who waits for this message; whoever does not wait for more is taken out.
    fn whose(&mut self, message: &Value) -> Option<(Waiter, bool)> {
        let id = message.get_str("id")?.parse().ok()?;
        let is_last = message.get_strs("status").contains(&"done");
        match self.by_id.get(&id)? {
            Waiter::Client(replies) if !is_last => Some((Waiter::Client(replies.clone()), false)),
            Waiter::Client(_) | Waiter::Us(_) => Some((self.by_id.remove(&id)?, is_last)),
        }
    }
}

impl Waiter {
    /// The lead answers nothing any more, or takes no more requests.
    async fn dismiss(self) {
        if let Waiter::Client(replies) = self {
            replies.done(Reply::refused("lead-unavailable")).await;
        }
    }
}

/// Carries bytes between here and the lead; why it ended is in the audit log.
async fn carry(attached: Attached, here: DuplexStream) {
    let (reader, writer) = split(here);
    let _ = attached.carry_between(reader, writer).await;
}

/// Tells the lead's messages to those who wait for them, until it leaves.
async fn read(
    mut reader: Reader<impl AsyncRead + Unpin>,
    waiting: Arc<Mutex<Waiting>>,
    name: String,
) {
    // What is no message is no lead any more.
    while let Ok(Some(message)) = reader.next().await {
        let whose = lock(&waiting).whose(&message);
        match whose {
            Some((Waiter::Client(replies), true)) => replies.done(marked(message, &name)).await,
            Some((Waiter::Client(replies), false)) => {
                replies.tell(marked(message, &name)).await;
            }
            Some((Waiter::Us(to), _)) => drop(to.send(message)),
            None => {}
        }
    }
    let left = {
        let mut waiting = lock(&waiting);
        waiting.broken = true;
        std::mem::take(&mut waiting.by_id)
    };
    for waiter in left.into_values() {
        waiter.dismiss().await;
    }
}

/// The message as the client gets it: with its own names, and who said it.
fn marked(message: Value, name: &str) -> Reply {
    let entries = match message {
        Value::Dict(entries) => entries,
        _ => BTreeMap::new(),
    };
    Reply::of(entries).with("prepl/replica", name)
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // No step leaves it half changed.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};

    /// The lead's end of a line, played by a test.
    struct Played {
        reader: Reader<ReadHalf<DuplexStream>>,
        writer: WriteHalf<DuplexStream>,
    }

    impl Played {
        fn line() -> (Line, Played) {
            let (ours, theirs) = duplex(BUFFER);
            let (reader, writer) = split(theirs);
            (
                Line::over(ours, "api-1".into()),
                Played { reader: Reader::new(reader, MAX_MESSAGE), writer },
            )
        }

        async fn hears(&mut self) -> Value {
            self.reader.next().await.unwrap().unwrap()
        }

        async fn says<const N: usize>(&mut self, to: &Value, pairs: [(&str, Value); N]) {
            let id = [("id", to.get("id").unwrap().clone())];
            let mut bytes = BytesMut::new();
            prepl_bencode::encode(&Value::dict(id.into_iter().chain(pairs)), &mut bytes);
            self.writer.write_all(&bytes).await.unwrap();
        }
    }

    fn request(pairs: &[(&str, &str)]) -> Request {
        Request::new(Value::dict(pairs.iter().map(|(key, text)| (*key, Value::from(*text)))))
    }

    fn client(session: &str) -> (Replies, mpsc::Receiver<Value>) {
        let (to, from) = mpsc::channel(8);
        (Replies::new(to, Some("mine".into()), session.into()), from)
    }

    fn done() -> (&'static str, Value) {
        ("status", Value::list(["done"]))
    }

    #[tokio::test]
    async fn a_request_goes_there_and_its_answers_come_back_marked() {
        let (mut line, mut lead) = Played::line();
        let asked = request(&[("op", "ns-list"), ("id", "mine"), ("session", "s"), ("x", "y")]);
        let (replies, mut answers) = client("s");
        let played = async {
            let clone = lead.hears().await;
            assert_eq!(clone.get_str("op"), Some("clone"));
            lead.says(&clone, [("new-session", "theirs".into()), done()]).await;
            let passed = lead.hears().await;
            assert_eq!(
                (passed.get_str("session"), passed.get_str("x")),
                (Some("theirs"), Some("y"))
            );
            lead.says(&passed, [("ns-list", Value::list(["user"]))]).await;
            lead.says(&passed, [("session", "theirs".into()), done()]).await;
            lead.says(&passed, [done()]).await;
        };
        tokio::join!(line.pass(&asked, replies), played);
        let [first, last] = [answers.recv().await.unwrap(), answers.recv().await.unwrap()];
        for answer in [&first, &last] {
            assert_eq!(
                (answer.get_str("id"), answer.get_str("session")),
                (Some("mine"), Some("s"))
            );
            assert_eq!(answer.get_str("prepl/replica"), Some("api-1"));
        }
        assert_eq!(
            (first.get_strs("ns-list"), last.get_strs("status")),
            (vec!["user"], vec!["done"])
        );
        assert!(answers.recv().await.is_none());
        let closed = async {
            let close = lead.hears().await;
            assert_eq!(
                (close.get_str("op"), close.get_str("session")),
                (Some("close"), Some("theirs"))
            );
            lead.says(&close, [done()]).await;
            assert!(lead.reader.next().await.unwrap().is_none());
            drop(lead);
        };
        tokio::join!(line.close(), closed);
    }

    #[tokio::test]
    async fn a_lead_that_leaves_leaves_no_request_without_an_end() {
        let (mut line, mut lead) = Played::line();
        let (replies, mut answers) = client("");
        line.pass(&request(&[("op", "x")]), replies).await;
        lead.hears().await;
        lead.writer.write_all(b"no message").await.unwrap();
        let last = answers.recv().await.unwrap();
        assert_eq!(last.get_strs("status"), ["error", "lead-unavailable", "done"]);
        assert!(line.is_broken() && line.ops().await.is_none());
        let (replies, mut answers) = client("");
        line.pass(&request(&[("op", "x")]), replies).await;
        assert!(answers.recv().await.unwrap().get_strs("status").contains(&"done"));
    }

    #[tokio::test]
    async fn what_it_can_do_is_read_in_both_forms() {
        let (mut line, mut lead) = Played::line();
        let nothing = Value::dict::<&str>([]);
        for ops in [Value::dict([("a", nothing.clone()), ("b", nothing)]), Value::list(["a", "b"])]
        {
            let played = async {
                let describe = lead.hears().await;
                lead.says(&describe, [("ops", ops)]).await;
            };
            let (told, ()) = tokio::join!(line.ops(), played);
            assert_eq!(told.unwrap(), ["a", "b"]);
        }
    }
}
