//! Handshakes under way: silent peers cannot keep others out.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// Handshakes at a time, besides the connections: some 20 KiB each.
const MAX_HANDSHAKES: usize = 128;
/// Longest silence before the first byte, and longest handshake after it, while there is room.
pub(super) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);
/// What a handshake gets even when others wait: silent peers then leave 128 / 0.25 = 512 new
/// connections a second to others.
const FAIR_TIME: Duration = Duration::from_millis(250);

/// Handshakes under way, the oldest first.
#[derive(Debug, Default)]
pub struct Handshakes(VecDeque<Handshake>);

#[derive(Debug)]
struct Handshake {
    began: Instant,
    spoke: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Handshakes {
    /// Begins one more: `shake_hands` is called when the peer has said something.
    pub fn begin<F, Shaken>(&mut self, socket: TcpStream, shake_hands: F)
    where
        F: FnOnce(TcpStream) -> Shaken + Send + 'static,
        Shaken: Future<Output = ()> + Send,
    {
        let spoke = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&spoke);
        let task = tokio::spawn(async move {
            if matches!(timeout(HANDSHAKE_LIMIT, socket.peek(&mut [0])).await, Ok(Ok(1..))) {
                heard.store(true, Ordering::Relaxed);
                shake_hands(socket).await;
            }
        });
        let task = task.abort_handle();
        self.0.push_back(Handshake { began: Instant::now(), spoke, task });
    }

    /// Waits until there is room. Whoever had his fair time is given up: the oldest of the silent
    /// ones, and one who spoke only if nobody is silent.
    pub async fn make_room(&mut self) {
        while self.0.len() >= MAX_HANDSHAKES {
            self.0.retain(|handshake| !handshake.task.is_finished());
            if self.0.len() < MAX_HANDSHAKES {
                return;
            }
            let place = self.0.iter().position(Handshake::is_silent).unwrap_or_default();
            let fair = self.0[place].began + FAIR_TIME;
            if Instant::now() < fair {
                sleep_until(fair).await;
            } else if let Some(given_up) = self.0.remove(place) {
                given_up.task.abort();
            }
        }
    }
}

impl Handshake {
    fn is_silent(&self) -> bool {
        !self.spoke.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    struct World {
        listener: TcpListener,
        handshakes: Handshakes,
        peers: Vec<TcpStream>,
    }

    impl World {
        async fn new() -> World {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            World { listener, handshakes: Handshakes::default(), peers: Vec::new() }
        }

        async fn begin(&mut self, says: &[u8]) {
            let address = self.listener.local_addr().unwrap();
            let mut peer = TcpStream::connect(address).await.unwrap();
            peer.write_all(says).await.unwrap();
            self.peers.push(peer);
            let (socket, _) = self.listener.accept().await.unwrap();
            self.handshakes.begin(socket, |_| pending());
            let begun = self.handshakes.0.back().unwrap();
            while begun.is_silent() && !says.is_empty() {
                tokio::task::yield_now().await;
            }
        }

        fn spoken(&self) -> usize {
            self.handshakes.0.iter().filter(|handshake| !handshake.is_silent()).count()
        }
    }

    #[tokio::test]
    async fn who_spoke_stays_while_somebody_is_silent() {
        let mut world = World::new().await;
        world.begin(b"\x16").await;
        for _ in 1..MAX_HANDSHAKES {
            world.begin(b"").await;
        }
        for _ in 0..3 {
            world.handshakes.make_room().await;
            world.begin(b"\x16").await;
        }
        assert_eq!((world.handshakes.0.len(), world.spoken()), (MAX_HANDSHAKES, 4));
    }

    #[tokio::test]
    async fn one_who_spoke_is_given_up_when_all_did() {
        let mut world = World::new().await;
        for _ in 0..MAX_HANDSHAKES {
            world.begin(b"\x16").await;
        }
        let oldest = world.handshakes.0[0].task.clone();
        world.handshakes.make_room().await;
        assert_eq!(world.handshakes.0.len(), MAX_HANDSHAKES - 1);
        while !oldest.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}
