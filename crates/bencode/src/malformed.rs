use thiserror::Error;

use crate::decode::{MAX_DEPTH, MAX_ELEMENTS};

/// Why the bytes of a peer are not a message.
///
/// There is no way to find the start of the next message: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// A byte that starts no value.
    #[error("byte 0x{0:02x} starts no bencode value; the peer may not speak nREPL's bencode")]
    UnexpectedByte(u8),
    /// A length or a number that is not written as bencode demands.
    #[error("a bencode number is badly written")]
    BadNumber,
    /// A whole number outside of 64 bits.
    #[error("a bencode number does not fit 64 bits")]
    NumberOutOfRange,
    /// An end mark with nothing to end, or between a key and its value.
    #[error("a bencode end mark stands where a value must follow")]
    UnexpectedEnd,
    /// A dict key that is not a byte string.
    #[error("a bencode dict has a key that is not a string")]
    KeyNotString,
    /// The same key twice in one dict.
    #[error("a bencode dict has the same key twice")]
    DuplicateKey,
    /// The message claims more bytes than the reader allows.
    #[error("the message is larger than the limit of {limit} bytes; ask for less output")]
    TooLarge {
        /// The limit of the decoder in bytes.
        limit: usize,
    },
    /// The message nests deeper than [`MAX_DEPTH`].
    #[error("the message nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The message has more than [`MAX_ELEMENTS`] values.
    #[error("the message has more than {MAX_ELEMENTS} values")]
    TooManyElements,
}
