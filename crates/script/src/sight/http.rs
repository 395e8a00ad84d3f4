//! One HTTP GET to a server on loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rhai::{Dynamic, EvalAltResult, INT, Map};

use super::Seen;
use super::http_reply::{Reply, ReplyReader};
use super::loopback::Loopback;
use crate::turn;

/// How long a wait may last before the deadline and the stop flag are asked again.
const SLICE: Duration = Duration::from_millis(20);
/// Loopback answers a dial at once or never.
const DIAL: Duration = Duration::from_millis(500);

pub(super) fn register(rhai: &mut rhai::Engine) {
    rhai.register_fn("http_get", http_get);
}

fn http_get(url: &str) -> Seen<Map> {
    if turn::is_read_only() {
        return Err("http_get asks nothing in a read-only evaluation: the server may write".into());
    }
    let place = Loopback::read(url)
        .ok_or("http_get asks http://127.0.0.1, http://localhost or http://[::1] only")?;
    let mut stream = dial(&place.dial)?;
    ask(&mut stream, &place)?;
    let reply = hear(&mut stream)?;
    let headers =
        reply.headers.into_iter().map(|(name, value)| (name.into(), Dynamic::from(value)));
    Ok(Map::from([
        ("status".into(), INT::from(reply.status).into()),
        ("headers".into(), Dynamic::from_map(headers.collect())),
        ("body".into(), String::from_utf8_lossy(&reply.body).into_owned().into()),
    ]))
}

fn dial(addresses: &[SocketAddr]) -> Seen<TcpStream> {
    let mut refused = String::from("http_get: no address to dial");
    for address in addresses {
        match TcpStream::connect_timeout(address, turn::time_left()?.min(DIAL)) {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = format!("http_get: {address}: {error}"),
        }
    }
    Err(refused.into())
}

/// Asks in HTTP/1.1 and for the connection to end, so that an end is an end.
fn ask(stream: &mut TcpStream, place: &Loopback) -> Seen<()> {
    stream.set_write_timeout(Some(turn::time_left()?)).map_err(lost)?;
    let Loopback { path, authority, .. } = place;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(lost)
}

fn hear(stream: &mut TcpStream) -> Seen<Reply> {
    stream.set_read_timeout(Some(SLICE)).map_err(lost)?;
    let mut reader = ReplyReader::default();
    let mut bytes = [0; 16 << 10];
    loop {
        turn::time_left()?;
        let heard = match stream.read(&mut bytes) {
            Ok(0) => return Ok(reader.end()?),
            Ok(count) => count,
            Err(error) if is_wait(error.kind()) => continue,
            Err(error) => return Err(lost(error)),
        };
        if let Some(reply) = reader.read(&bytes[..heard])? {
            return Ok(reply);
        }
    }
}

fn is_wait(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn lost(error: std::io::Error) -> Box<EvalAltResult> {
    format!("http_get: {error}").into()
}
