use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value};

use crate::ops::Requests;
use crate::reply::{Peer, done};
use crate::sessions::{ConnectionId, Sessions};
use crate::store::Store;
use crate::{Config, Unusable};

/// The most connections at one time.
pub const MAX_CONNECTIONS: usize = 64;
/// The largest request in bytes: 1 MiB.
pub const MAX_MESSAGE: usize = 1024 * 1024;
/// How long a peer may take nothing of what is sent to it.
const SEND_TIME: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, so that a full system is not made busier.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open port of the REPL.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    sessions: Arc<Sessions>,
    version: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Opens the port and fills the store.
    ///
    /// # Errors
    ///
    /// [`Unusable`] when the settings cannot be used or the port cannot be opened.
    pub fn bind(config: Config) -> Result<Server, Unusable> {
        config.check()?;
        let listen = config.listen;
        let failed = |cause| Unusable::Port { address: listen, cause };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let version = config.version.clone();
        let store = Arc::new(Mutex::new(Store::new(config)));
        let sessions = Arc::new(Sessions::new(store).map_err(failed)?);
        Ok(Server { listener, address, sessions, version, connections: Arc::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends, whatever a connection does; each has a thread.
    pub fn serve(&self) {
        for (number, accepted) in (0..).zip(self.listener.incoming()) {
            let served = accepted.and_then(|stream| self.admit(stream, number));
            if served.is_err() {
                std::thread::sleep(ACCEPT_PAUSE);
            }
        }
    }

    fn admit(&self, stream: TcpStream, connection: ConnectionId) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(SEND_TIME))?;
        let peer = Arc::new(Peer::new(stream.try_clone()?));
        let Some(place) = Place::take(&self.connections) else {
            return peer.send(&too_many_connections());
        };
        let (sessions, version) = (self.sessions.clone(), self.version.clone());
        let requests = Requests { sessions, peer, connection, version };
        let serve = move || {
            // A peer that broke off or sent garbage loses its connection, and nothing else.
            let _ = read_requests(stream, &requests);
            requests.hang_up();
            drop(place);
        };
        std::thread::Builder::new().name("connection".into()).spawn(serve)?;
        Ok(())
    }
}

fn read_requests(mut stream: TcpStream, requests: &Requests) -> io::Result<()> {
    let (mut decoder, mut input) = (Decoder::new(MAX_MESSAGE), BytesMut::new());
    let mut piece = [0; 8192];
    loop {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        input.extend_from_slice(&piece[..length]);
        while let Some(request) = decoder.decode(&mut input).map_err(io::Error::other)? {
            match request {
                Value::Dict(_) => requests.answer(&request)?,
                _ => return Ok(()),
            }
        }
    }
}

fn too_many_connections() -> Value {
    let sentence = format!("{MAX_CONNECTIONS} connections are open; close one first\n");
    Value::dict([("err", sentence.into()), done(&["error", "too-many-connections"])])
}

/// One of the places for connections; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(taken: &Arc<AtomicUsize>) -> Option<Place> {
        let more = |count| (count < MAX_CONNECTIONS).then_some(count + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Place(taken.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
