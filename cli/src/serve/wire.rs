//! Messages of a client, bounded, and messages to it.

use std::io;

use bytes::BytesMut;
use prepl_bencode::{Decoder, Malformed, Value, encode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};

/// Largest message of a client in bytes: an expression has 1 MiB at most.
pub const MAX_MESSAGE: usize = 10 << 20;
/// Largest message of a client that is not trusted yet: a token fits.
pub const MAX_FIRST_MESSAGE: usize = 4 << 10;
/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// Why nothing more is read from a client.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// It left, perhaps within a message.
    #[error("the client left")]
    Left(#[from] io::Error),
    /// It does not speak nREPL; a browser begins with a letter of its own.
    #[error("what came begins with the byte 0x{0:02x}, and a message of nREPL begins with d")]
    Foreign(u8),
    /// It connected, and asked for nothing.
    #[error("a client said nothing within {0:?}")]
    Silent(std::time::Duration),
    /// It speaks bencode and breaks its rules or bounds.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// The messages that a client sends.
#[derive(Debug)]
pub struct Reader<R> {
    stream: R,
    decoder: Decoder,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads messages of at most `largest` bytes from a stream.
    pub fn new(stream: R, largest: usize) -> Reader<R> {
        Reader { stream, decoder: Decoder::new(largest), buffer: BytesMut::new() }
    }

    /// Reads larger ones from now on; to be called between two messages.
    pub fn allow(&mut self, largest: usize) {
        self.decoder = Decoder::new(largest);
    }

    /// The next message, which is a dict; `None` when the client has ended between two.
    ///
    /// What was read is kept when this is dropped while it waits.
    pub async fn next(&mut self) -> Result<Option<Value>, Gone> {
        loop {
            if !self.decoder.is_inside_message() {
                self.begins_well()?;
            }
            if let Some(message) = self.decoder.decode(&mut self.buffer)? {
                return Ok(Some(message));
            }
            self.buffer.reserve(CHUNK);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let whole = self.buffer.is_empty() && !self.decoder.is_inside_message();
                let cut = || Gone::Left(io::ErrorKind::UnexpectedEof.into());
                return if whole { Ok(None) } else { Err(cut()) };
            }
        }
    }

    /// All else than a dict is refused by its first byte.
    fn begins_well(&self) -> Result<(), Gone> {
        match self.buffer.first() {
            None | Some(b'd') => Ok(()),
            Some(&other) => Err(Gone::Foreign(other)),
        }
    }
}

/// Writes messages to a client until it leaves; after `ended` only those that wait already.
pub async fn write<W: AsyncWrite + Unpin>(
    mut messages: mpsc::Receiver<Value>,
    mut stream: W,
    mut ended: oneshot::Receiver<()>,
) -> io::Result<()> {
    loop {
        let message = tokio::select! {
            biased;
            message = messages.recv() => message,
            _ = &mut ended => None,
        };
        let Some(message) = message else { break };
        let mut bytes = BytesMut::new();
        encode(&message, &mut bytes);
        stream.write_all(&bytes).await?;
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::BufReader;

    fn describe() -> Value {
        Value::dict([("op", Value::from("describe")), ("id", "1".into())])
    }

    async fn read(bytes: &[u8], pieces: usize) -> (Vec<Value>, Option<Gone>) {
        let mut reader = Reader::new(BufReader::with_capacity(pieces, bytes), MAX_MESSAGE);
        let mut messages = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return (messages, None),
                Err(gone) => return (messages, Some(gone)),
            }
        }
    }

    #[tokio::test]
    async fn messages_are_read_however_they_are_cut() {
        let bytes = b"d2:id1:12:op8:describeed2:id1:12:op8:describee";
        for pieces in 1..bytes.len() {
            let (messages, gone) = read(bytes, pieces).await;
            assert_eq!(messages, [describe(), describe()]);
            assert!(gone.is_none());
        }
    }

    #[tokio::test]
    async fn a_browser_is_recognized_by_its_first_byte() {
        for request in
            ["GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "\n", "i1e", "le", "0:", "\x16"]
        {
            let (messages, gone) = read(request.as_bytes(), 1).await;
            assert!(messages.is_empty());
            assert!(matches!(gone, Some(Gone::Foreign(_))), "{request}: {gone:?}");
        }
    }

    #[tokio::test]
    async fn a_message_that_is_cut_or_too_large_ends_it() {
        let (_, gone) = read(b"d2:op", 9).await;
        assert!(matches!(gone, Some(Gone::Left(_))));
        let (_, gone) = read(b"d4:code99999999:", 99).await;
        assert!(matches!(gone, Some(Gone::Malformed(Malformed::TooLarge { limit: MAX_MESSAGE }))));
        let (messages, gone) = read(b"d2:id1:12:op8:describeex", 99).await;
        assert_eq!(messages, [describe()]);
        assert!(matches!(gone, Some(Gone::Foreign(b'x'))));
    }

    #[tokio::test]
    async fn what_is_written_reads_back() {
        let (to, from) = mpsc::channel(2);
        to.send(describe()).await.unwrap();
        let (end, ended) = oneshot::channel();
        end.send(()).unwrap();
        let mut written = Vec::new();
        write(from, &mut written, ended).await.unwrap();
        assert_eq!(read(&written, 9).await.0, [describe()]);
    }

    proptest! {
        #[test]
        fn garbage_ends_it_and_no_more(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(read(&bytes, 7));
        }
    }
}
