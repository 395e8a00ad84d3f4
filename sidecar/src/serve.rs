//! Listening: mutual TLS first, then gRPC.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use prepl_identity::{Acceptor, Credentials, Holder, Secure};
use prepl_proto::v1::sidecar_server::SidecarServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::service::{Peer, Service};

/// Connections at a time: gateways, and users of a local fleet. A peer that never finishes its
/// handshake holds a place until the handshake's time-out.
const MAX_CONNECTIONS: usize = 256;
/// Longest handshake; it holds a place, and a peer without a certificate must not hold it long.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);
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
    let accepting = tokio::spawn(accept(listener, acceptor, hand_over));
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

async fn accept(
    listener: TcpListener,
    acceptor: Acceptor,
    hand_over: mpsc::Sender<io::Result<Connection>>,
) {
    let acceptor = Arc::new(acceptor);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((socket, _)) => {
                tokio::spawn(shake_hands(socket, Arc::clone(&acceptor), place, hand_over.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn shake_hands(
    socket: TcpStream,
    acceptor: Arc<Acceptor>,
    place: OwnedSemaphorePermit,
    hand_over: mpsc::Sender<io::Result<Connection>>,
) {
    let client = socket.peer_addr().ok();
    // Without it answers wait for acknowledgements, and that is all.
    let _ = socket.set_nodelay(true);
    match acceptor.accept(socket).await {
        // Nothing that it may ask: it gets no place either.
        Ok(stream) if matches!(stream.peer().holder, Holder::Sidecar { .. }) => {
            tracing::info!(peer = %stream.peer(), "a sidecar may not ask another sidecar");
        }
        Ok(stream) => {
            let peer = Peer::new(stream.peer());
            tracing::debug!(peer = %stream.peer(), "connected");
            // A server that is gone takes no more connections.
            let _ = hand_over.send(Ok(Connection { stream, peer, _place: place })).await;
        }
        Err(error) => tracing::debug!(?client, %error, "handshake refused"),
    }
}

/// A connection whose other end is known.
struct Connection {
    stream: Secure,
    peer: Peer,
    _place: OwnedSemaphorePermit,
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
