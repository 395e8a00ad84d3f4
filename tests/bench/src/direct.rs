//! A direct nREPL client, as somebody writes it in an afternoon.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value, encode};

use crate::Failure;

/// A client with one session.
pub struct Client {
    socket: TcpStream,
    decoder: Decoder,
    input: BytesMut,
    session: String,
    /// Arms `TCP_QUICKACK` before every read.
    quick_ack: bool,
}

impl Client {
    /// Connects and clones a session.
    pub fn connect(address: SocketAddr, quick_ack: bool) -> Result<Client, Failure> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let (decoder, input) = (Decoder::default(), BytesMut::new());
        let mut client = Client { socket, decoder, input, session: String::new(), quick_ack };
        client.send(vec![("op", "clone".into())])?;
        let cloned = client.until_done()?;
        let session = cloned.iter().find_map(|reply| reply.get_str("new-session"));
        client.session = session.ok_or("no session")?.to_owned();
        Ok(client)
    }

    /// Evaluates, and checks the value.
    pub fn evaluate(&mut self, code: &str, value: &str) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let session = Value::from(self.session.as_str());
        self.send(vec![("op", "eval".into()), ("code", code.into()), ("session", session)])?;
        let replies = self.until_done()?;
        let took = begun.elapsed();
        let right = replies.iter().any(|reply| reply.get_str("value") == Some(value));
        if right { Ok(took) } else { Err(format!("{code} gave no {value}").into()) }
    }

    fn send(&mut self, pairs: Vec<(&str, Value)>) -> Result<(), Failure> {
        let mut out = BytesMut::new();
        let id = ("id", Value::from("1"));
        encode(&Value::dict(pairs.into_iter().chain([id]).collect::<Vec<_>>()), &mut out);
        Ok(self.socket.write_all(&out)?)
    }

    fn until_done(&mut self) -> Result<Vec<Value>, Failure> {
        let mut replies = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            while let Some(reply) = self.decoder.decode(&mut self.input)? {
                let done = reply.get_strs("status").contains(&"done");
                replies.push(reply);
                if done {
                    return Ok(replies);
                }
            }
            if self.quick_ack {
                socket2::SockRef::from(&self.socket).set_tcp_quickack(true)?;
            }
            match self.socket.read(&mut chunk)? {
                0 => return Err("the server closed the connection".into()),
                read => self.input.extend_from_slice(&chunk[..read]),
            }
        }
    }
}
