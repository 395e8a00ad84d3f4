//! An nREPL server that says again what a real one said in a recorded transcript.
//!
//! It gives the recorded replies of each request, with the ids of the requests that are made now.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value, encode};

/// A request of the recorded client, and what came back until the next one.
pub struct Exchange {
    pub request: Value,
    replies: Vec<Value>,
}

/// The server.
pub struct Recorded {
    exchanges: VecDeque<Exchange>,
    /// Answers to `describe` and `clone`, for transcripts that were made without them.
    greetings: Vec<Exchange>,
    /// Recorded ids to the ids of now.
    ids: HashMap<String, String>,
    decoder: Decoder,
}

impl Recorded {
    /// Reads `tests/fixtures/transcripts/NAME.txt`.
    pub fn new(name: &str) -> Recorded {
        let greetings = ["nrepl-describe", "nrepl-clone-close"].into_iter().flat_map(exchanges);
        Recorded {
            exchanges: exchanges(name).into(),
            greetings: greetings.collect(),
            ids: HashMap::new(),
            decoder: Decoder::default(),
        }
    }

    /// The request that the recorded client made next.
    pub fn next_request(&self) -> Option<&Value> {
        self.exchanges.front().map(|exchange| &exchange.request)
    }

    /// Passes over it.
    pub fn skip_request(&mut self) {
        self.exchanges.pop_front();
    }

    /// Bytes that answer the requests in `sent`.
    pub fn answer(&mut self, sent: &mut BytesMut) -> BytesMut {
        let mut bytes = BytesMut::new();
        while let Some(request) = self.decoder.decode(sent).unwrap() {
            for reply in self.replies(&request) {
                encode(&self.with_ids_of_now(reply), &mut bytes);
            }
        }
        bytes
    }

    fn replies(&mut self, request: &Value) -> Vec<Value> {
        let op = |exchange: &Exchange| exchange.request.get_str("op") == request.get_str("op");
        let next = match self.exchanges.front().is_some_and(op) {
            true => self.exchanges.pop_front().unwrap(),
            false => {
                let at = self.greetings.iter().position(op).unwrap();
                self.greetings.remove(at)
            }
        };
        let id = |message: &Value| message.get_str("id").unwrap().to_owned();
        self.ids.insert(id(&next.request), id(request));
        next.replies
    }

    fn with_ids_of_now(&self, reply: Value) -> Value {
        let Value::Dict(mut entries) = reply else { panic!("a recorded reply is no dict") };
        let recorded = entries[b"id".as_slice()].as_str().unwrap();
        let now = Value::from(self.ids[recorded].as_str());
        entries.insert(b"id".to_vec(), now);
        Value::Dict(entries)
    }
}

fn exchanges(name: &str) -> Vec<Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/transcripts");
    let text = std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (side, piece) = line.split_at(2);
        let messages = messages(&bytes(piece));
        match side {
            "C " => exchanges.extend(
                messages.into_iter().map(|request| Exchange { request, replies: Vec::new() }),
            ),
            _ => exchanges.last_mut().unwrap().replies.extend(messages),
        }
    }
    exchanges
}

fn messages(bytes: &[u8]) -> Vec<Value> {
    let (mut decoder, mut input) = (Decoder::default(), BytesMut::from(bytes));
    std::iter::from_fn(|| decoder.decode(&mut input).unwrap()).collect()
}

/// The bytes of a line; the format stands in the README beside the transcripts.
fn bytes(piece: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chars = piece.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        bytes.push(match escaped {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            _ => u8::try_from(c).unwrap(),
        });
    }
    bytes
}
