//! Listening: mutual TLS first, then gRPC.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use prepl_identity::{Acceptor, Credentials, Holder, Name, Secure};
use prepl_proto::v1::sidecar_server::SidecarServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::portion::{Portions, USER_CONNECTIONS};
use crate::seldom::Seldom;
use crate::service::{Peer, Service};

/// Connections at a time: gateways, and users of a local fleet.
const MAX_CONNECTIONS: usize = 256;
/// Handshakes at a time, besides: some 20 KiB each.
const MAX_HANDSHAKES: usize = 128;
/// Longest handshake while there is room for others.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);
/// What a handshake gets even when others wait: silent peers then leave 128 / 0.25 = 512 new
/// connections a second to others.
const FAIR_TIME: Duration = Duration::from_millis(250);
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

/// Serves until `stop` completes; then no new connection is taken and running streams end.
pub async fn serve(
    listener: TcpListener,
    credentials: &Credentials,
    service: Service,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let (hand_over, connections) = mpsc::channel(1);
    let acceptor = Acceptor::new(credentials).with_timeout(HANDSHAKE_LIMIT);
    let accepting = tokio::spawn(Door::new(acceptor, hand_over).accept(listener));
    let served = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(SidecarServer::new(service))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), stop)
        .await;
    accepting.abort();
    served
}

/// Lets rightful peers in.
struct Door {
    acceptor: Acceptor,
    places: Arc<Semaphore>,
    portions: Portions,
    refusals: Seldom,
    hand_over: mpsc::Sender<io::Result<Connection>>,
}

impl Door {
    fn new(acceptor: Acceptor, hand_over: mpsc::Sender<io::Result<Connection>>) -> Door {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let refusals = Seldom::new(Instant::now());
        Door { acceptor, places, portions: Portions::default(), refusals, hand_over }
    }

    async fn accept(self, listener: TcpListener) {
        let door = Arc::new(self);
        let mut handshakes = Handshakes::default();
        loop {
            handshakes.make_room().await;
            match listener.accept().await {
                Ok((socket, client)) => {
                    let task = tokio::spawn(Arc::clone(&door).shake_hands(socket, client));
                    handshakes.add(task.abort_handle());
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
            Ok(stream) => match self.let_in(stream) {
                // A server that is gone takes no more connections.
                Ok(connection) => drop(self.hand_over.send(Ok(connection)).await),
                Err(refused) => self.tell_refusal(client, &refused),
            },
            Err(failed) => self.tell_refusal(client, &failed),
        }
    }

    fn let_in(&self, stream: Secure) -> Result<Connection, NotLetIn> {
        let name = stream.peer();
        // Nothing that it may ask: it gets no place either.
        if !matches!(name.holder, Holder::Gateway { .. } | Holder::User { .. }) {
            return Err(NotLetIn::Sidecar(name.clone()));
        }
        let portion = self.portions.of(name);
        let own_place = portion.connect().ok_or_else(|| NotLetIn::TooMany(name.clone()))?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NotLetIn::Full)?;
        tracing::debug!(peer = %name, "connected");
        let peer = Peer::new(name, portion);
        Ok(Connection { stream, peer, _places: [place, own_place] })
    }

    fn tell_refusal(&self, client: SocketAddr, reason: &dyn std::error::Error) {
        if let Some(untold) = self.refusals.may_tell(Instant::now()) {
            tracing::info!(%client, %reason, untold, "connection refused");
        }
    }
}

/// Why a peer with a good certificate is not let in.
#[derive(Debug, thiserror::Error)]
enum NotLetIn {
    #[error("{0} is a sidecar, and a sidecar may not ask another")]
    Sidecar(Name),
    #[error("{0} has {USER_CONNECTIONS} connections already")]
    TooMany(Name),
    #[error("all {MAX_CONNECTIONS} connections are in use")]
    Full,
}

/// Handshakes under way, the oldest first; silent peers cannot keep others out.
#[derive(Default)]
struct Handshakes(VecDeque<(Instant, AbortHandle)>);

impl Handshakes {
    fn add(&mut self, task: AbortHandle) {
        self.0.push_back((Instant::now(), task));
    }

    /// Waits until there is room: the oldest is given up when it had its fair time.
    async fn make_room(&mut self) {
        if self.0.len() < MAX_HANDSHAKES {
            return;
        }
        self.0.retain(|(_, task)| !task.is_finished());
        if self.0.len() < MAX_HANDSHAKES {
            return;
        }
        if let Some((began, oldest)) = self.0.pop_front() {
            tokio::time::sleep_until((began + FAIR_TIME).into()).await;
            oldest.abort();
        }
    }
}

/// A connection whose other end is known.
struct Connection {
    stream: Secure,
    peer: Peer,
    _places: [OwnedSemaphorePermit; 2],
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
