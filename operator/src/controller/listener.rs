//! TLS connections for axum, of callers who stay unknown: bounded in number, for each address too,
//! and in how long they may be silent.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use prepl_identity::HandshakeFailed;
use prepl_runtime::door::Handshakes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

/// The most connections at one time.
const MAX_CONNECTIONS: usize = 512;
/// The most of one address: an API server, or a node behind which pods hide.
const MAX_OF_ADDRESS: usize = 64;
/// How long a caller may say nothing.
const MAX_SILENCE: Duration = Duration::from_secs(20);

/// A listener whose streams are secure; the caller stays unknown.
pub struct SecureListener<Io> {
    ready: mpsc::Receiver<(Guest<Io>, SocketAddr)>,
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
    ready: mpsc::Sender<(Guest<Io>, SocketAddr)>,
) where
    Io: Send + 'static,
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Io, HandshakeFailed>> + Send + 'static,
{
    let places = Places::default();
    let mut handshakes = Handshakes::default();
    loop {
        handshakes.make_room().await;
        // axum's own `accept` waits out errors such as too many open files.
        let (socket, peer) = Listener::accept(&mut listener).await;
        // One who has his share is closed at once.
        let Some(place) = places.take(peer.ip()) else { continue };
        let (secure, ready) = (Arc::clone(&secure), ready.clone());
        handshakes.begin(socket, async move |socket| {
            match secure(socket).await {
                // A receiver that is gone is a server that ends.
                Ok(stream) => drop(ready.send((Guest::new(stream, place), peer)).await),
                Err(error) => tracing::debug!(%peer, %error, "a handshake failed"),
            }
        });
    }
}

impl<Io> Listener for SecureListener<Io>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = Guest<Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest<Io>, SocketAddr) {
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

/// How many connections each address has.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them; given back when it is dropped.
#[derive(Debug)]
struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    fn take(&self, address: IpAddr) -> Option<Place> {
        // A poisoned lock is safe: no step between two changes can panic.
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&address).copied().unwrap_or_default();
        if own >= MAX_OF_ADDRESS || taken.values().sum::<usize>() >= MAX_CONNECTIONS {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
        }
        taken.retain(|_, own| *own > 0);
    }
}

/// A caller's stream, which ends when he has been silent for too long.
pub struct Guest<Io> {
    stream: Io,
    silence: Pin<Box<Sleep>>,
    _place: Place,
}

impl<Io> Guest<Io> {
    fn new(stream: Io, place: Place) -> Guest<Io> {
        let silence = Box::pin(sleep_until(Instant::now() + MAX_SILENCE));
        Guest { stream, silence, _place: place }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Guest<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_ready() {
            self.silence.as_mut().reset(Instant::now() + MAX_SILENCE);
            return read;
        }
        // Nothing was read: to whoever reads, the stream has ended.
        self.silence.as_mut().poll(cx).map(Ok)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Guest<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn one_address_leaves_places_to_others_and_gives_its_own_back() {
        let places = Places::default();
        let mut taken: Vec<_> =
            (0..MAX_OF_ADDRESS).map(|_| places.take(address(1)).unwrap()).collect();
        assert!(places.take(address(1)).is_none());
        assert!(places.take(address(2)).is_some());
        taken.pop();
        assert!(places.take(address(1)).is_some());
        drop(taken);
        assert!(places.0.lock().unwrap().is_empty());
        let all: Vec<_> = (0..u8::MAX)
            .flat_map(|last| (0..MAX_OF_ADDRESS).map(move |_| address(last)))
            .map_while(|address| places.take(address))
            .collect();
        assert_eq!(all.len(), MAX_CONNECTIONS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_caller_is_let_go() {
        let (near, far) = tokio::io::duplex(16);
        let mut guest = Guest::new(near, Places::default().take(address(1)).unwrap());
        let begun = Instant::now();
        assert_eq!(guest.read(&mut [0; 4]).await.unwrap(), 0);
        assert_eq!(begun.elapsed().as_secs(), MAX_SILENCE.as_secs());
        drop(far);
    }
}
