//! A tunnel: bytes to one replica's REPL and back, as they are.
//!
//! It is opened by [`crate::Gateway::attach`], which records what goes to the REPL before it goes
//! on, or by [`crate::Remote::attach`] through a gateway that does. A side that writes no more says
//! so, and the other may go on; a tunnel that ends without that was cut.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use prepl_audit::AuditError;
use prepl_proto::convert::BadMessage;
use prepl_proto::convert::tunnel::{Carried, MAX_CHUNK};
use prepl_proto::v1;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::recorded_tunnel::Scribe;
use crate::tap::Segment;

/// Bytes read from a local client at once.
const CHUNK: usize = 16 << 10;

/// An open tunnel to the REPL of one replica; dropping it cuts it.
pub struct Tunnel {
    /// The protocol that the REPL speaks: `nrepl` or `clojure`.
    pub driver: Arc<str>,
    /// Where bytes for the REPL go.
    pub up: Up,
    /// Where bytes of the REPL come from.
    pub down: Down,
    /// How many went through it so far.
    pub traffic: Arc<Traffic>,
}

/// The way to the REPL.
pub struct Up {
    way: Way,
    /// Who records what goes there; none where somebody further on does.
    scribe: Option<Scribe>,
}

struct Way {
    parts: mpsc::Sender<Carried>,
    traffic: Arc<Traffic>,
}

/// The way back.
pub struct Down {
    parts: Pin<Box<dyn Stream<Item = Result<Carried, Broke>> + Send>>,
    traffic: Arc<Traffic>,
}

/// What went through a tunnel, in bytes.
#[derive(Debug, Default)]
pub struct Traffic {
    up: AtomicU64,
    down: AtomicU64,
}

impl Traffic {
    /// Bytes to the REPL.
    #[must_use]
    pub fn up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// Bytes of the REPL.
    #[must_use]
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }
}

/// Why a tunnel ended before both sides had ended.
#[derive(Debug, thiserror::Error)]
pub enum Broke {
    /// Whoever leads it cut it; a sentence.
    #[error("{0}")]
    Cut(String),
    /// It ended without a word.
    #[error("the tunnel broke off")]
    Off,
    /// Something came that cannot be understood.
    #[error(transparent)]
    Bad(#[from] BadMessage),
    /// What was about to go through it cannot be recorded.
    #[error("the tunnel is cut, as what goes through it cannot be recorded: {0}")]
    Unrecorded(#[from] AuditError),
    /// The local client's connection broke.
    #[error("the local connection broke: {0}")]
    Local(#[from] io::Error),
}

impl Tunnel {
    /// What a call that opened a tunnel gave.
    pub(crate) fn new<D, M>(opened: v1::TunnelOpened, up: Up, down: D) -> Tunnel
    where
        D: Stream<Item = Result<M, Status>> + Send + 'static,
        M: TryInto<Carried, Error = BadMessage> + 'static,
    {
        let down = down.map(|message| match message {
            Ok(message) => Ok(message.try_into()?),
            Err(status) => Err(Broke::from(status)),
        });
        let traffic = Arc::clone(&up.way.traffic);
        let down = Down { parts: Box::pin(down), traffic: Arc::clone(&traffic) };
        Tunnel { driver: opened.driver.into(), up, down, traffic }
    }

    /// The same, and what goes to the REPL is recorded before.
    pub(crate) fn recorded_by(mut self, scribe: Scribe) -> Tunnel {
        self.up.scribe = Some(scribe);
        self
    }

    /// Says the end, and waits for that of the REPL; what it still says is dropped.
    pub async fn close(mut self) {
        // One that cannot say so is cut.
        let Ok(true) = self.up.send(Carried::End).await else { return };
        drop(self.up);
        while let Some(Ok(_)) = self.down.next().await {}
    }

    /// Carries everything between a local client and the REPL, until both have ended.
    pub async fn carry(self, mut local: TcpStream) -> Result<(), Broke> {
        local.set_nodelay(true)?;
        let (read, write) = local.split();
        let carried = self.carry_between(read, write).await;
        if carried.is_err() {
            // A reset: the client must not take half an answer for the whole.
            let _ = local.set_zero_linger();
        }
        carried
    }

    /// The same with a client in this process, for whom the end of the stream is its end.
    pub async fn carry_between(
        self,
        read: impl AsyncRead + Unpin,
        write: impl AsyncWrite + Unpin,
    ) -> Result<(), Broke> {
        tokio::select! {
            // What comes down tells why the way up is closed.
            biased;
            ended = to_local(self.down, write) => ended,
            failed = from_local(read, self.up) => failed,
        }
    }
}

/// A way up, and the stream of messages that begins with this one.
pub(crate) fn up<M>(opening: M) -> (Up, impl Stream<Item = M> + Send + 'static)
where
    M: From<Carried> + Send + 'static,
{
    let (up, carried) = mpsc::channel(1);
    let way = Way { parts: up, traffic: Arc::default() };
    let up = Up { way, scribe: None };
    (up, tokio_stream::once(opening).chain(ReceiverStream::new(carried).map(M::from)))
}

impl Up {
    /// Sends bytes or the end; waits while the REPL does not read, and until what they say is
    /// recorded. What is half a message or a line is held back until it is whole, or the end.
    ///
    /// Tells whether the tunnel is there still; [`Down`] tells why it is not. With an error it has to
    /// be cut: something is missing in it.
    pub async fn send(&mut self, carried: Carried) -> Result<bool, AuditError> {
        let Some(scribe) = &mut self.scribe else { return Ok(self.way.pass(carried).await) };
        for Segment { bytes, told } in scribe.hear(&carried) {
            if let Some(told) = told {
                scribe.record(told, &bytes).await?;
            }
            if !self.way.pass_all(bytes).await {
                return Ok(false);
            }
            prepl_fault::point("tunnel.passed");
        }
        match carried {
            Carried::Data(_) => Ok(true),
            Carried::End => Ok(self.way.pass(Carried::End).await),
        }
    }
}

impl Way {
    /// Has any number of bytes go on.
    async fn pass_all(&self, mut bytes: Bytes) -> bool {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(MAX_CHUNK));
            if !self.pass(Carried::Data(chunk)).await {
                return false;
            }
        }
        true
    }

    async fn pass(&self, carried: Carried) -> bool {
        let bytes = carried.bytes();
        let sent = self.parts.send(carried).await.is_ok();
        if sent {
            self.traffic.up.fetch_add(bytes, Ordering::Relaxed);
        }
        sent
    }
}

impl Down {
    /// The next bytes, or the end of what the REPL writes; `None` when both sides have ended.
    pub async fn next(&mut self) -> Option<Result<Carried, Broke>> {
        let carried = self.parts.next().await?;
        let bytes = carried.as_ref().map_or(0, Carried::bytes);
        self.traffic.down.fetch_add(bytes, Ordering::Relaxed);
        Some(carried)
    }
}

/// Ends with the tunnel.
async fn to_local(mut down: Down, mut local: impl AsyncWrite + Unpin) -> Result<(), Broke> {
    let mut ended = false;
    while let Some(carried) = down.next().await {
        match carried? {
            _ if ended => return Err(BadMessage("part of a tunnel after its end").into()),
            Carried::Data(data) => local.write_all(&data).await?,
            Carried::End => {
                ended = true;
                local.shutdown().await?;
            }
        }
    }
    ended.then_some(()).ok_or(Broke::Off)
}

/// Ends by an error alone.
async fn from_local(mut local: impl AsyncRead + Unpin, mut up: Up) -> Result<(), Broke> {
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let open = match local.read_buf(&mut chunk).await? {
            0 => {
                up.send(Carried::End).await?;
                false
            }
            _ => up.send(Carried::Data(chunk.freeze())).await?,
        };
        if !open {
            drop(up);
            return pending().await;
        }
    }
}

impl From<Status> for Broke {
    fn from(status: Status) -> Broke {
        match status.message() {
            "" => Broke::Off,
            words => Broke::Cut(words.to_owned()),
        }
    }
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel").field("driver", &self.driver).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Down {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Down").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Up {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Up").finish_non_exhaustive()
    }
}
