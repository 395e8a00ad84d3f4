//! A client of nREPL on a tunnel.

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value, encode};
use prepl_tests::attached::Local;
use prepl_tests::in_time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One message of texts.
pub fn message(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    encode(&Value::dict(pairs.iter().map(|(key, text)| (*key, Value::from(*text)))), &mut bytes);
    bytes.to_vec()
}

/// Asks one thing after the other.
pub struct Client {
    local: Local,
    decoder: Decoder,
    unread: BytesMut,
}

impl Client {
    pub fn of(local: Local) -> Client {
        Client { local, decoder: Decoder::default(), unread: BytesMut::new() }
    }

    /// All answers, to the one that says `done`.
    pub async fn ask(&mut self, pairs: &[(&str, &str)]) -> Vec<Value> {
        self.local.socket.write_all(&message(pairs)).await.unwrap();
        let mut answers = Vec::new();
        while !answers.last().is_some_and(|last: &Value| last.get_strs("status").contains(&"done"))
        {
            answers.push(self.answer().await);
        }
        answers
    }

    async fn answer(&mut self) -> Value {
        loop {
            if let Some(value) = self.decoder.decode(&mut self.unread).unwrap() {
                return value;
            }
            let read = in_time(self.local.socket.read_buf(&mut self.unread)).await.unwrap();
            assert!(read > 0, "the REPL ended");
        }
    }

    /// Says no more, and waits for the end of the tunnel.
    pub async fn leave(mut self) {
        self.local.socket.shutdown().await.unwrap();
        in_time(self.local.tunnel).await.unwrap().unwrap();
    }
}
