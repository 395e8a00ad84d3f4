//! TLS connections for axum: handshakes run side by side, so that a slow one holds up nobody.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use prepl_identity::HandshakeFailed;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

/// The most handshakes at one time.
const MAX_HANDSHAKES: usize = 256;

/// A listener whose streams are secure; the caller stays unknown.
pub struct SecureListener<Io> {
    ready: mpsc::Receiver<(Io, SocketAddr)>,
    address: SocketAddr,
}

/// Takes connections from now on.
pub fn listen<Io, F, Fut>(listener: TcpListener, secure: F) -> io::Result<SecureListener<Io>>
where
    Io: Send + 'static,
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Io, HandshakeFailed>> + Send + 'static,
{
    let address = listener.local_addr()?;
    let (sender, ready) = mpsc::channel(16);
    tokio::spawn(accept_all(listener, Arc::new(secure), sender));
    Ok(SecureListener { ready, address })
}

async fn accept_all<Io, F, Fut>(
    mut listener: TcpListener,
    secure: Arc<F>,
    ready: mpsc::Sender<(Io, SocketAddr)>,
) where
    Io: Send + 'static,
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Io, HandshakeFailed>> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        // axum's own `accept` waits out errors such as too many open files.
        let (socket, peer) = Listener::accept(&mut listener).await;
        let (secure, ready) = (Arc::clone(&secure), ready.clone());
        tokio::spawn(async move {
            match secure(socket).await {
                // A receiver that is gone is a server that ends.
                Ok(stream) => drop(ready.send((stream, peer)).await),
                Err(error) => tracing::debug!(%peer, %error, "a handshake failed"),
            }
            drop(permit);
        });
    }
}

impl<Io> Listener for SecureListener<Io>
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    type Io = Io;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Io, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task never ends before this does.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
