use std::collections::BTreeMap;

use bytes::BytesMut;

use crate::scan::{Scanner, Token};
use crate::{Malformed, Value};

/// The limit of one message unless the caller sets another: 16 MiB.
pub const DEFAULT_MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// How many lists and dicts may stand one in the other.
pub const MAX_DEPTH: usize = 64;
/// How many values and keys one message may hold; about 10 MiB of memory beside the text.
pub const MAX_ELEMENTS: usize = 100_000;
/// About the memory of one value or key beside its text.
const ELEMENT_BYTES: usize = 100;

/// Turns a stream of bytes into values, one message after the other.
///
/// The caller owns the buffer, appends what arrives and calls [`Decoder::decode`] until it says
/// `None`. Every byte is looked at once, however small the pieces are.
#[derive(Debug)]
pub struct Decoder {
    scanner: Scanner,
    open: Vec<Open>,
    elements: usize,
    left_out: usize,
    broken: Option<Malformed>,
}

/// A list or dict whose end has not come yet.
#[derive(Debug)]
enum Open {
    List(Vec<Value>),
    Dict { entries: BTreeMap<Vec<u8>, Value>, key: Option<Vec<u8>> },
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new(DEFAULT_MAX_MESSAGE)
    }
}

impl Decoder {
    /// A decoder that refuses messages of more than `max_message` bytes.
    pub fn new(max_message: usize) -> Decoder {
        let scanner = Scanner::new(max_message);
        Decoder { scanner, open: Vec::new(), elements: 0, left_out: 0, broken: None }
    }

    /// Keeps no more than so many bytes of each string from now on; the rest is read and dropped.
    pub fn keep_of_each_string(&mut self, bytes: usize) {
        self.scanner.keep_of_each_string(bytes);
    }

    /// Bytes of its strings that were left out of the last message.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// About the bytes of memory that the message uses whose end has not come yet.
    pub fn held(&self) -> usize {
        self.scanner.kept() + self.elements * ELEMENT_BYTES
    }

    /// Takes the next value from the front of `input`; `None` asks for more bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the bytes can be no message. It is final: every later call says the same.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Value>, Malformed> {
        if let Some(malformed) = self.broken {
            return Err(malformed);
        }
        self.advance(input).inspect_err(|&malformed| {
            self.broken = Some(malformed);
            self.open = Vec::new();
        })
    }

    /// Whether a message has begun and not ended; at the end of a stream: it was cut.
    ///
    /// Bytes that the caller's buffer still holds count as well; look at it too.
    pub fn is_inside_message(&self) -> bool {
        !self.open.is_empty() || self.scanner.is_inside_string()
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Value>, Malformed> {
        while let Some(token) = self.scanner.next(input)? {
            if let Some(value) = self.accept(token)? {
                self.left_out = self.scanner.start_message();
                self.elements = 0;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Takes one token; gives the value that it completes at the top level.
    fn accept(&mut self, token: Token) -> Result<Option<Value>, Malformed> {
        let value = match token {
            Token::End => return self.close().and_then(|value| self.place(value)),
            Token::Int(number) => Value::Int(number),
            Token::Bytes(bytes) => Value::Bytes(bytes),
            Token::ListStart => return self.open(Open::List(Vec::new())),
            Token::DictStart => {
                return self.open(Open::Dict { entries: BTreeMap::new(), key: None });
            }
        };
        self.count()?;
        self.place(value)
    }

    fn open(&mut self, container: Open) -> Result<Option<Value>, Malformed> {
        self.count()?;
        if matches!(self.open.last(), Some(Open::Dict { key: None, .. })) {
            return Err(Malformed::KeyNotString);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Malformed::TooDeep);
        }
        self.open.push(container);
        Ok(None)
    }

    fn close(&mut self) -> Result<Value, Malformed> {
        match self.open.pop() {
            Some(Open::List(items)) => Ok(Value::List(items)),
            Some(Open::Dict { entries, key: None }) => Ok(Value::Dict(entries)),
            Some(Open::Dict { key: Some(_), .. }) | None => Err(Malformed::UnexpectedEnd),
        }
    }

    /// Puts a complete value where it belongs; gives it back when that is the top level.
    fn place(&mut self, value: Value) -> Result<Option<Value>, Malformed> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Dict { entries, key }) => match (key.take(), value) {
                (Some(name), value) => drop(entries.insert(name, value)),
                (None, Value::Bytes(name)) if entries.contains_key(&name) => {
                    return Err(Malformed::DuplicateKey);
                }
                (None, Value::Bytes(name)) => *key = Some(name),
                (None, _) => return Err(Malformed::KeyNotString),
            },
        }
        Ok(None)
    }

    fn count(&mut self) -> Result<(), Malformed> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS { Err(Malformed::TooManyElements) } else { Ok(()) }
    }
}
