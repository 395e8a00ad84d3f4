//! Connections to sidecars: mutual TLS to exactly the named replica, kept and shared.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prepl_core::ports::Connect;
use prepl_core::{Outcome, Reason, Replica};
use prepl_identity::{Connector, Credentials, HandshakeFailed, Name, Secure, TrustDomain};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::line::SidecarLine;
use crate::together::Together;

/// Bytes in flight of one stream and of one connection: with hyper's own windows, one reader that
/// stalls on 1,000 replicas pins 2.6 GB.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// A sidecar that is gone without a word is noticed after the two.
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials sidecars and keeps the connections.
pub struct Dialer {
    connector: Arc<Connector>,
    domain: TrustDomain,
    kept: Mutex<HashMap<Key, SidecarLine>>,
}

type Key = (Arc<str>, Arc<str>);

/// Why a sidecar cannot be reached; nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unreached {
    /// The network gives no connection.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Where the replica should be.
        address: Arc<str>,
        /// What the system says.
        reason: Arc<str>,
    },
    /// There is a connection, and not to that replica.
    #[error("{address} is not that replica's sidecar: {reason}")]
    Handshake {
        /// Where it is.
        address: Arc<str>,
        /// What is wrong with it.
        reason: Arc<str>,
    },
}

impl Dialer {
    /// A dialer that shows `credentials`.
    pub fn new(credentials: &Credentials) -> Dialer {
        Dialer {
            connector: Arc::new(Connector::new(credentials)),
            domain: credentials.current().name().domain.clone(),
            kept: Mutex::new(HashMap::new()),
        }
    }

    async fn dial(&self, replica: &Replica) -> Result<SidecarLine, Outcome> {
        let unreachable = |reason: &str| Outcome::Unreachable(Reason::new(reason));
        let name = Name::sidecar(&self.domain, &replica.id.uid)
            .map_err(|bad| unreachable(&bad.to_string()))?;
        let endpoint = Endpoint::from_shared(format!("http://{}", replica.address))
            .map_err(|_| unreachable("its address is not HOST:PORT"))?
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let refusal = Refusal::default();
        let channel = self.channel(endpoint, name, Arc::clone(&replica.address), &refusal).await;
        let channel = channel.map_err(|error| {
            let unreached = find_unreached(&error).map(|unreached| unreached.to_string());
            unreachable(&unreached.unwrap_or_else(|| error.to_string()))
        })?;
        Ok(SidecarLine::new(channel, refusal))
    }

    async fn channel(
        &self,
        endpoint: Endpoint,
        name: Name,
        address: Arc<str>,
        refusal: &Refusal,
    ) -> Result<Channel, tonic::transport::Error> {
        let connector = Arc::clone(&self.connector);
        let refusal = refusal.clone();
        let connect = service_fn(move |_| {
            let (connector, name) = (Arc::clone(&connector), name.clone());
            let (address, refusal) = (Arc::clone(&address), refusal.clone());
            async move { secure(&connector, &name, address, refusal).await.map(TokioIo::new) }
        });
        endpoint.connect_with_connector(connect).await
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Key, SidecarLine>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connect for Dialer {
    type Line = SidecarLine;

    async fn connect(&self, replica: &Replica) -> Result<SidecarLine, Outcome> {
        let key = (Arc::clone(&replica.address), Arc::clone(&replica.id.uid));
        let kept = self.kept().get(&key).cloned();
        if let Some(line) = kept {
            return Ok(line);
        }
        let line = self.dial(replica).await?;
        self.kept().insert(key, line.clone());
        Ok(line)
    }
}

async fn secure(
    connector: &Connector,
    name: &Name,
    address: Arc<str>,
    refusal: Refusal,
) -> Result<Together<Watched>, Unreached> {
    let failed = |error: io::Error| Unreached::Connect {
        address: Arc::clone(&address),
        reason: error.to_string().into(),
    };
    let socket = TcpStream::connect(&*address).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    let stream = connector.connect(socket, name).await.map_err(|error| Unreached::Handshake {
        address: Arc::clone(&address),
        reason: error.to_string().into(),
    })?;
    Ok(Together::new(Watched { stream, refusal }))
}

/// Finds our own reason below what the transport made of it.
pub(crate) fn find_unreached<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a Unreached> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(unreached) = error.downcast_ref::<Unreached>() {
            return Some(unreached);
        }
        next = error.source();
    }
    None
}

/// Why the sidecar refused our certificate. In TLS 1.3 that comes only with the first read, and
/// the layers above hide it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal(Arc<OnceLock<String>>);

impl Refusal {
    /// The reason in words, if there was a refusal.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    fn notice(&self, error: &io::Error) {
        let failed = error.get_ref().and_then(|inner| inner.downcast_ref::<HandshakeFailed>());
        if let Some(failed) = failed {
            self.0.get_or_init(|| failed.to_string());
        }
    }
}

/// A secure stream that remembers a refusal.
struct Watched {
    stream: Secure,
    refusal: Refusal,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &read {
            self.refusal.notice(error);
        }
        read
    }
}

impl AsyncWrite for Watched {
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
