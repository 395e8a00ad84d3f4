//! One open tunnel, until both sides have ended or it is cut.
//!
//! Little is held of it: one chunk each way here, and what the windows of HTTP/2 and the REPL's
//! own socket take. A side that does not read stops the other from writing.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use prepl_proto::convert::BadMessage;
use prepl_proto::convert::tunnel::Carried;
use prepl_proto::v1;
use prepl_proto::v1::tunnel_down::Part;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::Tunnel;
use crate::driver::stream::arm_quick_ack;

/// A tunnel without a byte in either direction for so long is cut.
pub const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Bytes read from the REPL at once.
const CHUNK: usize = 16 << 10;
/// Messages that may wait for the caller, the reason of a cut among them; then the REPL waits.
const WAITING: usize = 3;

/// Where messages to the caller go.
type Tell = mpsc::Sender<Result<v1::TunnelDown, Status>>;

/// Why a tunnel ended before both sides had ended.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("nothing went through the tunnel for {} minutes; connect again", IDLE_LIMIT.as_secs() / 60)]
    Idle,
    #[error("the sidecar is ending; connect again")]
    Ending,
    #[error("the caller left")]
    Left,
    #[error(transparent)]
    Bad(#[from] BadMessage),
    #[error("the connection to the REPL broke: {0}")]
    Repl(#[from] io::Error),
}

impl From<Cut> for Status {
    fn from(cut: Cut) -> Status {
        match &cut {
            Cut::Idle => Status::deadline_exceeded(cut.to_string()),
            Cut::Bad(_) => Status::invalid_argument(cut.to_string()),
            _ => Status::aborted(cut.to_string()),
        }
    }
}

impl Tunnel {
    /// Carries what comes `up` to the REPL, and gives what comes back.
    pub fn start<U>(self, caller: Arc<str>, up: U) -> ReceiverStream<Result<v1::TunnelDown, Status>>
    where
        U: Stream<Item = Result<v1::TunnelUp, Status>> + Send + Unpin + 'static,
    {
        let (tell, told) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            // The caller may have left already.
            let Ok(last_word) = tell.clone().reserve_owned().await else { return };
            let opened = Part::Opened(v1::TunnelOpened { driver: self.driver.to_owned() });
            let _ = tell.send(Ok(v1::TunnelDown { part: Some(opened) })).await;
            tracing::info!(caller = &*caller, "tunnel opened");
            let traffic = Traffic::new();
            let cut = self.carry(up, &tell, &traffic).await;
            traffic.log(&caller, cut.as_ref());
            if let Some(cut) = cut {
                last_word.send(Err(cut.into()));
            }
        });
        ReceiverStream::new(told)
    }

    async fn carry<U>(mut self, up: U, tell: &Tell, traffic: &Traffic) -> Option<Cut>
    where
        U: Stream<Item = Result<v1::TunnelUp, Status>> + Unpin,
    {
        let (read, write) = self.repl.split();
        let both = async {
            tokio::try_join!(to_repl(up, write, traffic), from_repl(read, tell, traffic)).err()
        };
        let cut = tokio::select! {
            cut = both => cut,
            () = traffic.idle() => Some(Cut::Idle),
            () = ended(&mut self.ending) => Some(Cut::Ending),
            () = tell.closed() => Some(Cut::Left),
        };
        if cut.is_some() {
            // A reset: the REPL must not take half a form for all that was to come.
            let _ = self.repl.set_zero_linger();
        }
        cut
    }
}

async fn to_repl<U>(mut up: U, mut repl: WriteHalf<'_>, traffic: &Traffic) -> Result<(), Cut>
where
    U: Stream<Item = Result<v1::TunnelUp, Status>> + Unpin,
{
    let mut ended = false;
    while let Some(message) = up.next().await {
        // A stream that breaks is a caller who left.
        let carried = Carried::try_from(message.map_err(|_| Cut::Left)?)?;
        match &carried {
            _ if ended => return Err(BadMessage("part of a tunnel after its end").into()),
            Carried::Data(data) => repl.write_all(data).await?,
            Carried::End => {
                ended = true;
                repl.shutdown().await?;
            }
        }
        traffic.went_up(carried.bytes());
    }
    ended.then_some(()).ok_or(Cut::Left)
}

async fn from_repl(mut repl: ReadHalf<'_>, tell: &Tell, traffic: &Traffic) -> Result<(), Cut> {
    loop {
        let place = tell.reserve().await.map_err(|_| Cut::Left)?;
        arm_quick_ack(repl.as_ref());
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let bytes = repl.read_buf(&mut chunk).await?;
        if bytes == 0 {
            place.send(Ok(Carried::End.into()));
            return Ok(());
        }
        place.send(Ok(Carried::Data(chunk.freeze()).into()));
        traffic.came_down(bytes as u64);
    }
}

/// Completes when the sidecar ends.
async fn ended(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone is a sidecar that is gone.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// What went through a tunnel so far.
struct Traffic(Mutex<Counted>);

#[derive(Clone, Copy)]
struct Counted {
    begun: Instant,
    last: Instant,
    up: u64,
    down: u64,
}

impl Traffic {
    fn new() -> Traffic {
        let now = Instant::now();
        Traffic(Mutex::new(Counted { begun: now, last: now, up: 0, down: 0 }))
    }

    fn went_up(&self, bytes: u64) {
        self.count(|counted| counted.up += bytes);
    }

    fn came_down(&self, bytes: u64) {
        self.count(|counted| counted.down += bytes);
    }

    fn count(&self, add: impl FnOnce(&mut Counted)) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.last = Instant::now();
        add(&mut counted);
    }

    fn counted(&self) -> Counted {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when nothing was counted for [`IDLE_LIMIT`].
    async fn idle(&self) {
        loop {
            let end = self.counted().last + IDLE_LIMIT;
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn log(&self, caller: &str, cut: Option<&Cut>) {
        let Counted { begun, up, down, .. } = self.counted();
        let seconds = begun.elapsed().as_secs();
        let cut = cut.map(tracing::field::display);
        tracing::info!(caller, up, down, seconds, cut, "tunnel closed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;
    use crate::portion::Portions;
    use crate::tunnel::Tunnels;

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_is_idle_fifteen_minutes_after_its_last_byte() {
        let (begun, traffic) = (Instant::now(), Traffic::new());
        let later = async {
            tokio::time::sleep(Duration::from_secs(600)).await;
            traffic.went_up(1);
            tokio::time::sleep(Duration::from_secs(600)).await;
            traffic.came_down(1);
        };
        tokio::join!(traffic.idle(), later);
        assert_eq!(begun.elapsed().as_secs(), 1200 + IDLE_LIMIT.as_secs());
    }
    #[tokio::test]
    async fn an_idle_tunnel_is_cut_and_told_so() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tunnels = Tunnels::to(Endpoint::Nrepl(listener.local_addr().unwrap()));
        let tunnel = tunnels.open(Portions::default().of_caller("mira")).await.unwrap();
        let (_repl, _) = listener.accept().await.unwrap();
        tokio::time::pause();
        let begun = Instant::now();
        let mut told = tunnel.start("mira".into(), tokio_stream::pending());
        let opened = told.next().await.unwrap().unwrap().part.unwrap();
        assert_eq!(opened, Part::Opened(v1::TunnelOpened { driver: "nrepl".to_owned() }));
        let cut = tokio::time::timeout(2 * IDLE_LIMIT, told.next()).await.unwrap();
        let cut = cut.unwrap().unwrap_err();
        assert!(cut.message().contains("15 minutes"), "{cut}");
        assert!(begun.elapsed() >= IDLE_LIMIT);
        assert!(told.next().await.is_none());
    }
}
