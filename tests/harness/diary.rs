//! An app that writes down what it is asked to evaluate, and answers at once.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::BytesMut;
use prepl_bencode::{DEFAULT_MAX_MESSAGE, Decoder, Value, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// An nREPL server; ends when it is dropped.
#[derive(Debug)]
pub struct Diary {
    /// Where it listens.
    pub address: SocketAddr,
    entries: watch::Receiver<Vec<String>>,
    task: AbortHandle,
}

type Entries = watch::Sender<Vec<String>>;

impl Diary {
    /// Starts one; the value of everything is `1`. What begins with `(read` asks for input first, which
    /// is written down too.
    pub async fn start() -> Diary {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (writes, entries) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(serve(peer, writes.clone()));
            }
        });
        Diary { address, entries, task: task.abort_handle() }
    }

    /// How often this expression was evaluated.
    pub fn times(&self, expression: &str) -> usize {
        self.entries.borrow().iter().filter(|entry| *entry == expression).count()
    }

    /// All that was evaluated, in order.
    pub fn entries(&self) -> Vec<String> {
        self.entries.borrow().clone()
    }

    /// Waits until so many more were evaluated than now.
    pub async fn until_more(&self, count: usize) {
        let mut entries = self.entries.clone();
        let wanted = entries.borrow().len() + count;
        entries.wait_for(|entries| entries.len() >= wanted).await.map(drop).expect("an app");
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when the peer leaves.
async fn serve(peer: TcpStream, entries: Entries) {
    let _ = converse(peer, entries).await;
}

async fn converse(mut peer: TcpStream, entries: Entries) -> io::Result<()> {
    let (mut decoder, mut heard) = (Decoder::new(DEFAULT_MAX_MESSAGE), BytesMut::new());
    let mut reading = None;
    while peer.read_buf(&mut heard).await? > 0 {
        while let Some(message) = decoder.decode(&mut heard).map_err(io::Error::other)? {
            for text in ["code", "stdin"].into_iter().filter_map(|key| message.get_str(key)) {
                entries.send_modify(|entries| entries.push(text.to_owned()));
            }
            let mut said = BytesMut::new();
            if message.get_str("code").is_some_and(|code| code.starts_with("(read")) {
                encode(&told(&message, Vec::new(), "need-input"), &mut said);
                reading = Some(message);
            } else {
                encode(&answer(&message), &mut said);
                let read = reading.take_if(|_| message.get_str("op") == Some("stdin"));
                read.iter().for_each(|read| encode(&answer(read), &mut said));
            }
            peer.write_all(&said).await?;
        }
    }
    Ok(())
}

fn answer(message: &Value) -> Value {
    let says = match message.get_str("op") {
        Some("describe") => {
            let ops = ["clone", "eval", "interrupt"].map(|op| (op, Value::list([0i64; 0])));
            vec![("ops", Value::dict(ops))]
        }
        Some("clone") => vec![("new-session", Value::from("s"))],
        Some("eval") => vec![("ns", Value::from("user")), ("value", Value::from("1"))],
        _ => Vec::new(),
    };
    told(message, says, "done")
}

fn told(message: &Value, says: Vec<(&'static str, Value)>, status: &str) -> Value {
    let same = ["id", "session"].map(|key| Some((key, message.get(key)?.clone())));
    let status = ("status", Value::list([status]));
    Value::dict(says.into_iter().chain(same.into_iter().flatten()).chain([status]))
}
