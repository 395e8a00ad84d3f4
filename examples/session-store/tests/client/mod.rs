//! A service on a free port, and an nREPL client for it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value, encode};
use session_store::{Config, Server};

/// How long a test waits for an answer that does not come.
const PATIENCE: Duration = Duration::from_secs(300);

/// The service that most tests share: a Scheme takes a second to start in a debug build.
pub static SERVICE: LazyLock<SocketAddr> = LazyLock::new(start_service);

/// Starts a service; it ends with the test's process.
pub fn start_service() -> SocketAddr {
    let server = Server::bind(config()).unwrap();
    let address = server.address();
    std::thread::spawn(move || server.serve());
    address
}

pub fn config() -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        version: "2.41.0".into(),
        zone: "a".into(),
        sessions: 344,
        cache_generation: 118,
        cache_size: 40_212,
        cache_ttl: 300,
        features: vec!["new-cart".into()],
        seed: 7,
    }
}

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    decoder: Decoder,
    input: BytesMut,
    next_id: i64,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, decoder: Decoder::default(), input: BytesMut::new(), next_id: 1 }
    }

    /// Sends a request and gives its id.
    pub fn send(&mut self, pairs: &[(&str, Value)]) -> String {
        let id = self.next_id.to_string();
        self.next_id += 1;
        let id_pair = ("id", Value::from(id.as_str()));
        let mut bytes = BytesMut::new();
        encode(&Value::dict(pairs.iter().cloned().chain([id_pair])), &mut bytes);
        self.stream.write_all(&bytes).unwrap();
        id
    }

    /// The next message; `None` when the service closed the connection.
    pub fn receive(&mut self) -> Option<Value> {
        let mut piece = [0; 4096];
        loop {
            if let Some(message) = self.decoder.decode(&mut self.input).unwrap() {
                return Some(message);
            }
            match self.stream.read(&mut piece).unwrap_or(0) {
                0 => return None,
                length => self.input.extend_from_slice(&piece[..length]),
            }
        }
    }

    /// The messages up to the one that ends request `id`.
    pub fn answers_to(&mut self, id: &str) -> Vec<Value> {
        let mut answers = vec![];
        loop {
            let message = self.receive().expect("the service answers to the end");
            let ours = message.get_str("id") == Some(id);
            let done = message.get_strs("status").contains(&"done");
            answers.push(message);
            if ours && done {
                return answers;
            }
        }
    }

    pub fn ask(&mut self, pairs: &[(&str, Value)]) -> Vec<Value> {
        let id = self.send(pairs);
        self.answers_to(&id)
    }

    pub fn new_session(&mut self) -> String {
        let answers = self.ask(&[("op", "clone".into())]);
        answers[0].get_str("new-session").unwrap().to_owned()
    }

    pub fn eval(&mut self, session: &str, code: &str) -> Vec<Value> {
        self.ask(&[("op", "eval".into()), ("session", session.into()), ("code", code.into())])
    }
}

/// All texts under `key`, in order.
pub fn all<'a>(answers: &'a [Value], key: &str) -> Vec<&'a str> {
    answers.iter().filter_map(|answer| answer.get_str(key)).collect()
}

/// The statuses of the last answer.
pub fn status(answers: &[Value]) -> Vec<&str> {
    answers.last().map(|last| last.get_strs("status")).unwrap_or_default()
}
