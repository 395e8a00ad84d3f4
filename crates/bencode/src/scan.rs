use bytes::{Buf, BytesMut};

use crate::Malformed;

/// The longest whole number: a sign and the 19 digits of 2^63.
const MAX_INT_CHARS: usize = 20;
/// The longest length prefix; a message never reaches 10^10 bytes.
const MAX_LENGTH_CHARS: usize = 10;

/// The smallest pieces of bencode.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Int(i64),
    Bytes(Vec<u8>),
    ListStart,
    DictStart,
    End,
}

/// Cuts tokens from the front of a buffer and counts the bytes of the message.
#[derive(Debug)]
pub(crate) struct Scanner {
    limit: usize,
    taken: usize,
    /// Bytes that are kept of one string.
    keep: usize,
    /// Bytes that are kept of this message.
    kept: usize,
    /// Bytes of its strings that are not.
    left_out: usize,
    /// A byte string whose prefix is consumed already.
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    to_come: usize,
    kept: Vec<u8>,
}

impl Scanner {
    pub(crate) fn new(limit: usize) -> Scanner {
        Scanner { limit, taken: 0, keep: usize::MAX, kept: 0, left_out: 0, body: None }
    }

    /// Keeps no more than so many bytes of each string from now on.
    pub(crate) fn keep_of_each_string(&mut self, bytes: usize) {
        self.keep = bytes;
    }

    /// Starts to count the next message; gives the bytes that were left out of this one.
    pub(crate) fn start_message(&mut self) -> usize {
        (self.taken, self.kept) = (0, 0);
        std::mem::take(&mut self.left_out)
    }

    /// Bytes that are kept of this message so far.
    pub(crate) fn kept(&self) -> usize {
        self.kept
    }

    /// Whether the length of a byte string came, and its content not yet.
    pub(crate) fn is_inside_string(&self) -> bool {
        self.body.is_some()
    }

    /// Cuts the next token, or says `None` while it is not complete.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Token>, Malformed> {
        if self.body.is_some() {
            return Ok(self.bytes(input));
        }
        match input.first() {
            None => Ok(None),
            Some(b'i') => self.int(input),
            Some(b'l') => self.mark(input, Token::ListStart),
            Some(b'd') => self.mark(input, Token::DictStart),
            Some(b'e') => self.mark(input, Token::End),
            Some(b'0'..=b'9') => self.string(input),
            Some(&other) => Err(Malformed::UnexpectedByte(other)),
        }
    }

    fn mark(&mut self, input: &mut BytesMut, token: Token) -> Result<Option<Token>, Malformed> {
        self.take(1)?;
        input.advance(1);
        Ok(Some(token))
    }

    fn int(&mut self, input: &mut BytesMut) -> Result<Option<Token>, Malformed> {
        let Some(digits) = until(&input[1..], b'e', MAX_INT_CHARS)? else { return Ok(None) };
        let (number, used) = (parse_int(digits)?, digits.len() + 2);
        self.take(used)?;
        input.advance(used);
        Ok(Some(Token::Int(number)))
    }

    fn string(&mut self, input: &mut BytesMut) -> Result<Option<Token>, Malformed> {
        let Some(digits) = until(input, b':', MAX_LENGTH_CHARS)? else { return Ok(None) };
        let (length, used) = (parse_length(digits)?, digits.len() + 1);
        self.take(used)?;
        self.take(length)?;
        input.advance(used);
        self.body = Some(Body { to_come: length, kept: Vec::new() });
        Ok(self.bytes(input))
    }

    /// Moves what has come of the string out of the input: it is copied once, and a small value
    /// does not keep a whole read buffer alive.
    fn bytes(&mut self, input: &mut BytesMut) -> Option<Token> {
        let body = self.body.as_mut()?;
        let come = input.len().min(body.to_come);
        let kept = come.min(self.keep.saturating_sub(body.kept.len()));
        body.kept.extend_from_slice(&input[..kept]);
        input.advance(come);
        body.to_come -= come;
        self.kept += kept;
        self.left_out += come - kept;
        let is_whole = body.to_come == 0;
        self.body.take_if(|_| is_whole).map(|body| Token::Bytes(body.kept))
    }

    fn take(&mut self, count: usize) -> Result<(), Malformed> {
        let limit = self.limit;
        self.taken = self.taken.checked_add(count).ok_or(Malformed::TooLarge { limit })?;
        if self.taken > limit { Err(Malformed::TooLarge { limit }) } else { Ok(()) }
    }
}

/// The bytes before `end`, which must come within `most` of them.
fn until(input: &[u8], end: u8, most: usize) -> Result<Option<&[u8]>, Malformed> {
    let window = &input[..input.len().min(most + 1)];
    match window.iter().position(|&byte| !matches!(byte, b'0'..=b'9' | b'-')) {
        Some(at) if window[at] == end => Ok(Some(&window[..at])),
        Some(_) => Err(Malformed::BadNumber),
        None if window.len() > most => Err(Malformed::NumberOutOfRange),
        None => Ok(None),
    }
}

fn parse_int(digits: &[u8]) -> Result<i64, Malformed> {
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    check_digits(unsigned)?;
    if digits == b"-0" {
        return Err(Malformed::BadNumber);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Malformed::BadNumber)?;
    text.parse().map_err(|_| Malformed::NumberOutOfRange)
}

fn parse_length(digits: &[u8]) -> Result<usize, Malformed> {
    check_digits(digits)?;
    let text = std::str::from_utf8(digits).map_err(|_| Malformed::BadNumber)?;
    text.parse().map_err(|_| Malformed::NumberOutOfRange)
}

/// At least one digit, digits only, and no leading zero.
fn check_digits(digits: &[u8]) -> Result<(), Malformed> {
    let leading_zero = digits.len() > 1 && digits[0] == b'0';
    if digits.is_empty() || leading_zero || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::BadNumber);
    }
    Ok(())
}
