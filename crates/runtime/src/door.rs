//! Listening: mutual TLS first, then gRPC, and a bound on everything that a peer can hold.

mod connection;
mod handshakes;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use prepl_identity::{Acceptor, Credentials, Name, Secure};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::seldom::Seldom;
use connection::Connection;
use handshakes::HANDSHAKE_LIMIT;
pub use handshakes::Handshakes;

/// Streams of one connection at a time.
const MAX_STREAMS: u32 = 128;
/// Bytes in flight of one stream and of one connection: what a reader that stalls can pin here.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// A peer that is gone without a word is noticed after the two.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failed accept (no file handle left) there is no use in trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that the system keeps until they are taken. The standard library's 128 overflow while
/// silent peers wait for their turn, and whoever comes then is dropped and tries again a second later.
const BACKLOG: u32 = 1024;

/// Listens where many may come at once.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Decides whom a door lets in.
pub trait Doorkeeper: Send + Sync + 'static {
    /// What a request's extensions hold of whoever asks.
    type Guest: Clone + Send + Sync + Unpin + 'static;
    /// Why somebody is not let in; a sentence for the log.
    type Refusal: std::error::Error + Send;

    /// Lets a member in, or not; the place is given back when he leaves. `person` is for whom he was
    /// certified, and `until` when the time of that certificate is over.
    fn let_in(
        &self,
        name: &Name,
        person: &str,
        until: SystemTime,
    ) -> Result<(Self::Guest, OwnedSemaphorePermit), Self::Refusal>;
}

/// Serves `routes` until `stop` completes; then no new connection is taken and running streams
/// end. At most `connections` at a time.
pub async fn serve(
    listener: TcpListener,
    credentials: &Credentials,
    connections: usize,
    doorkeeper: impl Doorkeeper,
    routes: Routes,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let (hand_over, incoming) = mpsc::channel(1);
    let door = Door {
        acceptor: Acceptor::new(credentials).with_timeout(HANDSHAKE_LIMIT),
        places: Arc::new(Semaphore::new(connections)),
        doorkeeper,
        refusals: Seldom::new(Instant::now()),
        hand_over,
    };
    let accepting = tokio::spawn(door.accept(listener));
    let served = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_routes(routes)
        .serve_with_incoming_shutdown(ReceiverStream::new(incoming), async {
            stop.await;
            accepting.abort();
        })
        .await;
    accepting.abort();
    served
}

struct Door<P: Doorkeeper> {
    acceptor: Acceptor,
    places: Arc<Semaphore>,
    doorkeeper: P,
    refusals: Seldom,
    hand_over: mpsc::Sender<io::Result<Connection<P::Guest>>>,
}

impl<P: Doorkeeper> Door<P> {
    async fn accept(self, listener: TcpListener) {
        let door = Arc::new(self);
        let mut handshakes = Handshakes::default();
        loop {
            handshakes.make_room().await;
            match listener.accept().await {
                Ok((socket, client)) => {
                    let door = Arc::clone(&door);
                    handshakes.begin(socket, move |socket| door.shake_hands(socket, client));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn shake_hands(self: Arc<Self>, socket: TcpStream, client: SocketAddr) {
        // Without it answers wait for acknowledgements, and that is all.
        let _ = socket.set_nodelay(true);
        match self.acceptor.accept(socket).await {
            Ok(stream) => {
                if let Some(connection) = self.let_in(stream, client) {
                    // A server that is gone takes no more connections.
                    let _ = self.hand_over.send(Ok(connection)).await;
                }
            }
            Err(failed) => self.tell_refusal(client, &failed),
        }
    }

    fn let_in(&self, stream: Secure, client: SocketAddr) -> Option<Connection<P::Guest>> {
        let name = stream.peer();
        let (guest, own_place) = self
            .doorkeeper
            .let_in(name, stream.person(), stream.until())
            .map_err(|refused| self.tell_refusal(client, &refused))
            .ok()?;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.tell_refusal(client, &Full);
            return None;
        };
        tracing::debug!(peer = %name, "connected");
        Some(Connection::new(stream, guest, [place, own_place]))
    }

    fn tell_refusal(&self, client: SocketAddr, reason: &dyn std::error::Error) {
        if let Some(untold) = self.refusals.may_tell(Instant::now()) {
            tracing::info!(%client, %reason, untold, "connection refused");
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("all connections are in use")]
struct Full;
