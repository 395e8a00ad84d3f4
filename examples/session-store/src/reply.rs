use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use prepl_bencode::{Value, encode};

/// The sending half of one connection, shared by everything that answers on it.
#[derive(Debug)]
pub(crate) struct Peer(Mutex<TcpStream>);

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Peer {
        Peer(Mutex::new(stream))
    }

    /// Sends one message; a peer that takes none any more loses its connection.
    pub(crate) fn send(&self, message: &Value) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        encode(message, &mut bytes);
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&bytes).inspect_err(|_| hang_up(&stream))
    }

    /// Closes the connection, also for evaluations that still answer on it.
    pub(crate) fn close(&self) {
        hang_up(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn hang_up(stream: &TcpStream) {
    // It may be closed already.
    let _ = stream.shutdown(Shutdown::Both);
}

/// Where the answers to one request go, and what they repeat of it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) peer: Arc<Peer>,
    pub(crate) id: Option<Value>,
    pub(crate) session: Option<String>,
}

impl Reply {
    /// Sends a message with the request's id and session beside `pairs`.
    pub(crate) fn send(
        &self,
        pairs: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> io::Result<()> {
        let id = self.id.clone().map(|id| ("id", id));
        let session = self.session.clone().map(|session| ("session", session.into()));
        self.peer.send(&Value::dict(pairs.into_iter().chain(id).chain(session)))
    }

    /// Sends the last message of a request: `done`, and what else there is to say of it.
    pub(crate) fn done(&self, statuses: &[&str]) -> io::Result<()> {
        self.send([done(statuses)])
    }

    /// Refuses a request: a sentence for the human, and `statuses` for the program.
    pub(crate) fn refuse(&self, sentence: &str, statuses: &[&str]) -> io::Result<()> {
        let error = [&["error"], statuses].concat();
        self.send([("err", format!("{sentence}\n").into()), done(&error)])
    }
}

/// The pair that ends a request.
pub(crate) fn done(statuses: &[&str]) -> (&'static str, Value) {
    ("status", Value::list(["done"].iter().chain(statuses).copied()))
}
