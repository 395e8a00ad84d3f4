//! Streams in, named streams out.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::bundle::{BundleProblem, anchors_of};
use crate::certificate;
use crate::credentials::Credentials;
use crate::expected::Expected;
use crate::failure::HandshakeFailed;
use crate::name::{Name, TrustDomain};
use crate::tls::{client_config, open_server_config, server_config};
use crate::verify::{ExpectedName, Trust};

/// How long a handshake may take: 10 seconds.
///
/// One needs two round trips and about a millisecond of work on each side; the rest is for
/// machines under load and for one TCP segment that is lost and sent again twice (1 s + 2 s).
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a side that was refused may take to read why.
const LAST_WORD: Duration = Duration::from_millis(250);

/// The answering side of mutual TLS; clones share the configuration.
#[derive(Clone)]
pub struct Acceptor {
    tls: TlsAcceptor,
    timeout: Duration,
}

impl Acceptor {
    /// Answers with the bundle in use and lets in every member of its fleet.
    #[must_use]
    pub fn new(credentials: &Credentials) -> Self {
        Self { tls: server_config(credentials).into(), timeout: HANDSHAKE_TIMEOUT }
    }

    /// Answers with the bundle in use and asks callers for no certificate.
    ///
    /// TLS 1.3 with HTTP/2 or HTTP/1.1. For [`Acceptor::accept_anyone`]; `accept` fails with it.
    #[must_use]
    pub fn without_client(credentials: &Credentials) -> Self {
        Self { tls: open_server_config(credentials).into(), timeout: HANDSHAKE_TIMEOUT }
    }

    /// Gives each handshake this long instead of [`HANDSHAKE_TIMEOUT`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Makes a stream secure against others; who calls stays unknown.
    pub async fn accept_anyone<S>(
        &self,
        stream: S,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<S>, HandshakeFailed>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        in_time(self.timeout, self.tls.accept(stream)).await
    }

    /// Makes a stream secure, with the caller's name proven.
    pub async fn accept<S>(&self, stream: S) -> Result<Secure<S>, HandshakeFailed>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let accepted = time::timeout(self.timeout, self.tls.accept(stream).into_fallible()).await;
        match accepted.map_err(|_| HandshakeFailed::TimedOut(self.timeout))? {
            Ok(tls) => Secure::new(tls.into()),
            Err((error, stream)) => {
                let _ = time::timeout(LAST_WORD, hear_out(stream)).await;
                Err(error.into())
            }
        }
    }
}

/// Reads on until the other side has read why it was refused: a stream that is closed on unread
/// bytes is reset, and the reason is lost.
async fn hear_out<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut unheard = [0; 1024];
    if stream.shutdown().await.is_ok() {
        while matches!(stream.read(&mut unheard).await, Ok(1..)) {}
    }
}

/// The calling side of mutual TLS; clones share the configuration.
#[derive(Clone)]
pub struct Connector {
    trust: Trust,
    config: ClientConfig,
    timeout: Duration,
}

impl Connector {
    /// Calls with the bundle in use.
    #[must_use]
    pub fn new(credentials: &Credentials) -> Self {
        let own = credentials.current().name().clone();
        Self::trusting(Trust::Bundle(credentials.clone()), Expected::Exactly(own))
    }

    /// Calls without a certificate; `authorities` are in PEM.
    pub fn anonymous(authorities: &str, domain: &TrustDomain) -> Result<Self, BundleProblem> {
        let trust = Trust::Fixed(anchors_of(authorities)?);
        Ok(Self::trusting(trust, Expected::Controller(domain.clone())))
    }

    fn trusting(trust: Trust, expected: Expected) -> Self {
        let verifier = ExpectedName { trust: trust.clone(), expected };
        let config = client_config(&trust, Arc::new(verifier));
        Self { trust, config, timeout: HANDSHAKE_TIMEOUT }
    }

    /// Gives each handshake this long instead of [`HANDSHAKE_TIMEOUT`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// As [`Connector::connect_as`], for one member.
    pub async fn connect<S>(&self, stream: S, expected: &Name) -> Result<Secure<S>, HandshakeFailed>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.connect_as(stream, &Expected::Exactly(expected.clone())).await
    }

    /// Makes a stream secure if its other end is a controller of the fleet.
    pub async fn connect_controller<S>(
        &self,
        stream: S,
        domain: &TrustDomain,
    ) -> Result<Secure<S>, HandshakeFailed>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.connect_as(stream, &Expected::Controller(domain.clone())).await
    }

    /// Makes a stream secure if its other end is expected.
    ///
    /// TLS 1.3 ends here before the other side has judged this side's certificate. A refusal
    /// comes with the first read: an I/O error that holds [`HandshakeFailed::RefusedByPeer`].
    pub async fn connect_as<S>(
        &self,
        stream: S,
        expected: &Expected,
    ) -> Result<Secure<S>, HandshakeFailed>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(self.config_for(expected));
        // rustls wants a name to send and to compare; here it is neither sent nor compared.
        let unused = ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into());
        let tls = in_time(self.timeout, connector.connect(unused, stream)).await?;
        Secure::new(tls.into())
    }

    /// A copy of shared pieces, so that 1,000 calls cost 1,000 small allocations.
    fn config_for(&self, expected: &Expected) -> Arc<ClientConfig> {
        let (trust, expected) = (self.trust.clone(), expected.clone());
        let mut config = self.config.clone();
        let verifier = Arc::new(ExpectedName { trust, expected });
        config.dangerous().set_certificate_verifier(verifier);
        Arc::new(config)
    }
}

async fn in_time<T>(
    timeout: Duration,
    handshake: impl Future<Output = io::Result<T>>,
) -> Result<T, HandshakeFailed> {
    match time::timeout(timeout, handshake).await {
        Ok(answer) => answer.map_err(HandshakeFailed::from),
        Err(_) => Err(HandshakeFailed::TimedOut(timeout)),
    }
}

/// Why the other side refused this side's certificate; clones share it.
///
/// In TLS 1.3 that comes only with the first read, and the layers above hide it.
#[derive(Clone, Debug, Default)]
pub struct Refusal(Arc<OnceLock<String>>);

impl Refusal {
    /// The reason in words, if there was a refusal.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// A stream over mutual TLS whose other end is known.
#[derive(Debug)]
pub struct Secure<S = TcpStream> {
    stream: TlsStream<S>,
    peer: Name,
    person: String,
    until: SystemTime,
    refusal: Refusal,
}

impl<S> Secure<S> {
    fn new(stream: TlsStream<S>) -> Result<Self, HandshakeFailed> {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let own = certificates.first().ok_or(HandshakeFailed::NoCertificate)?;
        let peer = certificate::name_of(own).map_err(HandshakeFailed::NoName)?;
        let person = certificate::person_of(own).map_err(HandshakeFailed::NoName)?;
        let until = certificate::end_of(own).map_err(HandshakeFailed::NoName)?;
        Ok(Self { stream, peer, person, until, refusal: Refusal::default() })
    }

    /// Tells a refusal by the other side here too.
    #[must_use]
    pub fn telling(self, refusal: Refusal) -> Self {
        Self { refusal, ..self }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Name {
        &self.peer
    }

    /// For whom the authority certified the other end (see [`crate::Authority::sign_for`]).
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// When the time of the other end's certificate is over; the stream may live longer.
    #[must_use]
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// The stream beneath, for its addresses and options; do not read or write it.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        self.stream.get_ref().0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secure<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let answer = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        Poll::Ready(answer.map_err(|error| explain(error, &self.refusal)))
    }
}

/// Puts an alert of the peer in words.
fn explain(error: io::Error, refusal: &Refusal) -> io::Error {
    let alert = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match alert {
        Some(alert @ Error::AlertReceived(_)) => {
            let failed = HandshakeFailed::from(alert.clone());
            refusal.0.get_or_init(|| failed.to_string());
            io::Error::new(error.kind(), failed)
        }
        _ => error,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secure<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
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
