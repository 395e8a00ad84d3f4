//! Reads the reply to one GET out of bytes, within bounds. Source: RFC 9112.

use std::collections::BTreeMap;

use httparse::{EMPTY_HEADER, Response, Status};

/// Bytes of the status line and the headers.
const HEAD_BYTES: usize = 64 << 10;
/// Number of headers.
const HEADERS: usize = 128;
/// Number of 1xx announcements before the reply.
const ANNOUNCEMENTS: usize = 8;
/// Bytes of the body: 1 MiB.
const BODY_BYTES: usize = 1 << 20;
/// Bytes of the body on the wire: chunks of one byte take six.
const WIRE_BYTES: usize = HEAD_BYTES + 6 * BODY_BYTES;

/// A reply, whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// By lower-case name; repeated ones are joined by a comma.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// Takes bytes until the reply is whole.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    waiting: Vec<u8>,
    announced: usize,
    reply: Option<(Reply, Length)>,
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
    UntilEnd,
}

type Read<T> = Result<T, &'static str>;

impl ReplyReader {
    /// Takes more bytes; returns the reply when it is whole.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Read<Option<Reply>> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() > WIRE_BYTES {
            return Err("http_get: the reply is longer than 1 MiB");
        }
        self.read_heads()?;
        match self.reply.take() {
            None => Ok(None),
            Some((reply, length)) => self.read_body(reply, length),
        }
    }

    /// Says that the server closed; returns the reply if that is how it ends.
    pub(super) fn end(self) -> Read<Reply> {
        match self.reply {
            Some((mut reply, Length::UntilEnd)) => {
                reply.body = self.waiting;
                Ok(reply)
            }
            _ => Err("http_get: the server closed before its reply was whole"),
        }
    }

    fn read_heads(&mut self) -> Read<()> {
        while self.reply.is_none() {
            let Some((taken, reply, length)) = read_head(&self.waiting)? else {
                return Ok(());
            };
            self.waiting.drain(..taken);
            // 1xx announces the real reply.
            if reply.status >= 200 {
                self.reply = Some((reply, length));
                return Ok(());
            }
            self.announced += 1;
            if self.announced > ANNOUNCEMENTS {
                return Err("http_get: the server announces a reply without end");
            }
        }
        Ok(())
    }

    fn read_body(&mut self, mut reply: Reply, length: Length) -> Read<Option<Reply>> {
        match length {
            Length::Known(size) if self.waiting.len() >= size => {
                self.waiting.truncate(size);
                reply.body = std::mem::take(&mut self.waiting);
                return Ok(Some(reply));
            }
            Length::UntilEnd if self.waiting.len() > BODY_BYTES => return Err(TOO_LONG),
            Length::Chunked => {
                if take_chunks(&mut self.waiting, &mut reply.body)? {
                    return Ok(Some(reply));
                }
            }
            Length::Known(_) | Length::UntilEnd => {}
        }
        self.reply = Some((reply, length));
        Ok(None)
    }
}

const TOO_LONG: &str = "http_get: the body is longer than 1 MiB";
const MALFORMED: &str = "http_get: the server does not answer in HTTP";

fn read_head(bytes: &[u8]) -> Read<Option<(usize, Reply, Length)>> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut response = Response::new(&mut headers);
    let parsed = response.parse(&bytes[..bytes.len().min(HEAD_BYTES)]).map_err(|_| MALFORMED)?;
    let Status::Complete(taken) = parsed else {
        return if bytes.len() < HEAD_BYTES { Ok(None) } else { Err(MALFORMED) };
    };
    let status = response.code.ok_or(MALFORMED)?;
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for header in response.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        named
            .entry(header.name.to_ascii_lowercase())
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    let length = length_of(status, &named)?;
    Ok(Some((taken, Reply { status, headers: named, body: Vec::new() }, length)))
}

/// Source: RFC 9112, section 6.3.
fn length_of(status: u16, headers: &BTreeMap<String, String>) -> Read<Length> {
    if matches!(status, 100..200 | 204 | 304) {
        return Ok(Length::Known(0));
    }
    if let Some(coding) = headers.get("transfer-encoding") {
        return match coding.eq_ignore_ascii_case("chunked") {
            true => Ok(Length::Chunked),
            false => Err("http_get: the server uses an encoding other than chunked"),
        };
    }
    let Some(length) = headers.get("content-length") else { return Ok(Length::UntilEnd) };
    match length.parse() {
        Ok(size) if size <= BODY_BYTES => Ok(Length::Known(size)),
        Ok(_) => Err(TOO_LONG),
        Err(_) => Err(MALFORMED),
    }
}

/// Moves whole chunks into `body`; true after the last one.
fn take_chunks(waiting: &mut Vec<u8>, body: &mut Vec<u8>) -> Read<bool> {
    let mut at = 0;
    let done = loop {
        let rest = &waiting[at..];
        let Status::Complete((head, size)) =
            httparse::parse_chunk_size(rest).map_err(|_| MALFORMED)?
        else {
            break false;
        };
        let size = usize::try_from(size).map_err(|_| TOO_LONG)?;
        if size > BODY_BYTES - body.len() {
            return Err(TOO_LONG);
        }
        if size == 0 {
            // Trailers may follow; nobody asked for them.
            break true;
        }
        let Some(chunk) = rest.get(head..head + size + 2) else { break false };
        let (data, end) = chunk.split_at(size);
        if end != b"\r\n" {
            return Err(MALFORMED);
        }
        body.extend_from_slice(data);
        at += head + size + 2;
    };
    waiting.drain(..at);
    Ok(done)
}
