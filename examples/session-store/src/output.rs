use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prepl_bencode::Value;

use crate::reply::Reply;

/// How much one evaluation may print, in bytes: 1 MiB.
const MAX_OUTPUT: usize = 1024 * 1024;
/// Printed text waits for a line end or for this many bytes.
const CHUNK: usize = 4096;

/// What Scheme prints to: it sends the text to whoever asked for the evaluation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    reply: Option<Reply>,
    waiting: Vec<u8>,
    printed: usize,
    /// Whether the peer knows that its output was cut.
    told: bool,
}

impl Output {
    /// From here on the printed text belongs to this request.
    pub(crate) fn begin(&self, reply: &Reply) {
        *self.lock() = State { reply: Some(reply.clone()), ..State::default() };
    }

    /// Sends what waits.
    pub(crate) fn flush_now(&self) -> io::Result<()> {
        self.lock().flush()
    }

    /// What is printed from here on belongs to nobody and is dropped.
    pub(crate) fn end(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn print(&mut self, text: &[u8]) -> io::Result<()> {
        if self.reply.is_none() {
            return Ok(());
        }
        let fits = text.len().min(MAX_OUTPUT - self.printed);
        self.printed += fits;
        self.waiting.extend_from_slice(&text[..fits]);
        if self.waiting.len() >= CHUNK || self.waiting.ends_with(b"\n") || fits < text.len() {
            self.flush()?;
        }
        if fits < text.len() { self.cut() } else { Ok(()) }
    }

    /// Says once that there is too much; the error ends an evaluation that does not catch it.
    fn cut(&mut self) -> io::Result<()> {
        const SENTENCE: &str = "the evaluation printed more than 1 MiB; print less";
        if let (Some(reply), false) = (&self.reply, std::mem::replace(&mut self.told, true)) {
            reply.send([("err", format!("{SENTENCE}\n").into())])?;
        }
        Err(io::Error::other(SENTENCE))
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.reply {
            Some(reply) if !self.waiting.is_empty() => {
                reply.send([("out", Value::Bytes(std::mem::take(&mut self.waiting)))])
            }
            _ => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.lock().print(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_now()
    }
}
