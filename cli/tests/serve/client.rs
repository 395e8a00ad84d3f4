//! An nREPL client that waits for its answers.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value, encode};

/// Far more than anything here takes: what is not over by then hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// A connection to a server.
pub struct Client {
    stream: Box<dyn Stream>,
    decoder: Decoder,
    buffer: BytesMut,
    /// Messages that came while those of another request were waited for.
    unread: Vec<Value>,
    last_id: i64,
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// All that came to one request.
pub struct Answer(pub Vec<Value>);

impl Client {
    /// To a port of loopback.
    pub fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(HANGS_AFTER)).unwrap();
        Client::over(stream)
    }

    /// To a socket.
    pub fn connect_to(path: &Path) -> Client {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(HANGS_AFTER)).unwrap();
        Client::over(stream)
    }

    fn over(stream: impl Read + Write + Send + 'static) -> Client {
        let (decoder, buffer) = (Decoder::default(), BytesMut::new());
        Client { stream: Box::new(stream), decoder, buffer, unread: Vec::new(), last_id: 0 }
    }

    /// Sends bytes that may be no message.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a message as it is.
    pub fn send_message(&mut self, message: &Value) {
        let mut bytes = BytesMut::new();
        encode(message, &mut bytes);
        self.send_bytes(&bytes);
    }

    /// Sends a request; gives its id.
    pub fn send(&mut self, op: &str, pairs: &[(&str, &str)]) -> String {
        self.last_id += 1;
        let id = self.last_id.to_string();
        let own = [("op", op), ("id", &id)];
        let pairs = own.iter().chain(pairs).map(|(key, text)| (*key, Value::from(*text)));
        self.send_message(&Value::dict(pairs));
        id
    }

    /// The next message, whatever it answers; `None` when the server has closed.
    pub fn next(&mut self) -> Option<Value> {
        if !self.unread.is_empty() {
            return Some(self.unread.remove(0));
        }
        self.read()
    }

    fn read(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.decoder.decode(&mut self.buffer).unwrap() {
                return Some(message);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next message to a request.
    pub fn next_to(&mut self, id: &str) -> Value {
        let is_it = |message: &Value| message.get_str("id") == Some(id);
        if let Some(at) = self.unread.iter().position(is_it) {
            return self.unread.remove(at);
        }
        loop {
            let message = self.read().unwrap();
            if is_it(&message) {
                return message;
            }
            self.unread.push(message);
        }
    }

    /// All that comes to a request, up to its end.
    pub fn answer(&mut self, id: &str) -> Answer {
        let mut messages = Vec::new();
        loop {
            messages.push(self.next_to(id));
            if messages.last().unwrap().get_strs("status").contains(&"done") {
                return Answer(messages);
            }
        }
    }

    /// Asks and waits.
    pub fn ask(&mut self, op: &str, pairs: &[(&str, &str)]) -> Answer {
        let id = self.send(op, pairs);
        self.answer(&id)
    }

    /// A new session.
    pub fn session(&mut self) -> String {
        self.ask("clone", &[]).text("new-session")
    }

    /// Evaluates in a session.
    pub fn eval(&mut self, session: &str, code: &str) -> Answer {
        self.ask("eval", &[("session", session), ("code", code)])
    }

    /// Evaluates without one.
    pub fn aside(&mut self, code: &str) -> Answer {
        self.ask("eval", &[("code", code)])
    }
}

impl Answer {
    /// The texts under a key, in order.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter_map(|message| message.get_str(key)).collect()
    }

    /// The texts under a key, as one.
    pub fn text(&self, key: &str) -> String {
        self.all(key).concat()
    }

    /// The values.
    pub fn values(&self) -> Vec<&str> {
        self.all("value")
    }

    /// All words of all statuses.
    pub fn status(&self) -> BTreeSet<&str> {
        self.0.iter().flat_map(|message| message.get_strs("status")).collect()
    }

    /// The one value, without output and errors.
    pub fn value(&self) -> &str {
        let [value] = self.values()[..] else { panic!("{self:?}") };
        assert_eq!((self.text("err"), self.status()), (String::new(), BTreeSet::from(["done"])));
        value
    }
}

impl fmt::Debug for Answer {
    /// Readable: texts as such, without the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show =
            |value: &Value| value.as_str().map_or_else(|| format!("{value:?}"), str::to_owned);
        for message in &self.0 {
            let Value::Dict(entries) = message else { return f.write_str("no dict") };
            for (key, value) in entries.iter().filter(|(key, _)| *key != b"session") {
                let key = String::from_utf8_lossy(key);
                match value {
                    Value::List(items) => {
                        write!(f, "{key} {:?} ", items.iter().map(show).collect::<Vec<_>>())?;
                    }
                    other => write!(f, "{key} {:?} ", show(other))?,
                }
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
