//! Tunnels: a caller's bytes to the app's REPL and back, as they are.
//!
//! Nothing of them is read here, so nothing is limited, interrupted or remembered either: see
//! [`crate::admit`] for who may. A tunnel is a connection of its own to the REPL.

mod carry;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::endpoint::Endpoint;
use crate::portion::{Portion, USER_TUNNELS};
pub use carry::IDLE_LIMIT;

/// Tunnels at a time.
pub const MAX_TUNNELS: usize = 16;
/// How long the REPL may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The tunnels to one REPL.
#[derive(Debug)]
pub struct Tunnels {
    repl: Endpoint,
    places: Arc<Semaphore>,
    ending: watch::Sender<bool>,
}

/// Why there is no tunnel; the app's REPL got no byte.
#[derive(Debug, thiserror::Error)]
pub enum NoTunnel {
    /// Nothing listens behind this sidecar.
    #[error(
        "there is no REPL to lead to: the sidecar evaluates Rhai itself; ask it with `prepl exec`"
    )]
    NoRepl,
    /// The caller has his share.
    #[error("you have {USER_TUNNELS} tunnels to this replica already; close one of them")]
    TooMany,
    /// All have theirs.
    #[error("all {MAX_TUNNELS} tunnels to this replica are in use; try again later")]
    Full,
    /// The sidecar is told to end.
    #[error("the sidecar is ending; select again")]
    Ending,
    /// The REPL takes no connection.
    #[error("no REPL at {0}: {1}; is the app up, and its REPL listening there?")]
    NotReached(SocketAddr, #[source] io::Error),
}

impl From<NoTunnel> for Status {
    fn from(why: NoTunnel) -> Status {
        let code = match why {
            NoTunnel::NoRepl => Code::FailedPrecondition,
            NoTunnel::TooMany | NoTunnel::Full => Code::ResourceExhausted,
            NoTunnel::Ending | NoTunnel::NotReached(..) => Code::Unavailable,
        };
        Status::new(code, why.to_string())
    }
}

/// An open connection to the REPL, and the places that it takes.
#[derive(Debug)]
pub struct Tunnel {
    repl: TcpStream,
    driver: &'static str,
    ending: watch::Receiver<bool>,
    /// A portion that nobody holds is forgotten, and with it what its caller has.
    _portion: Arc<Portion>,
    _places: [OwnedSemaphorePermit; 2],
}

impl Tunnels {
    /// Tunnels to the REPL at an endpoint.
    pub fn to(repl: Endpoint) -> Tunnels {
        Tunnels {
            repl,
            places: Arc::new(Semaphore::new(MAX_TUNNELS)),
            ending: watch::Sender::new(false),
        }
    }

    /// Ends all of them, and opens no more.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Connects to the REPL for the caller with this portion.
    pub async fn open(&self, portion: Arc<Portion>) -> Result<Tunnel, NoTunnel> {
        let (Endpoint::Nrepl(address) | Endpoint::Clojure(address)) = self.repl else {
            return Err(NoTunnel::NoRepl);
        };
        let ending = self.ending.subscribe();
        if *ending.borrow() {
            return Err(NoTunnel::Ending);
        }
        let own = portion.tunnel().ok_or(NoTunnel::TooMany)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NoTunnel::Full)?;
        let connected = timeout(CONNECT_LIMIT, TcpStream::connect(address)).await;
        let repl = connected
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .and_then(|repl| repl.set_nodelay(true).map(|()| repl))
            .map_err(|error| NoTunnel::NotReached(address, error))?;
        let (driver, places) = (self.repl.driver(), [own, place]);
        Ok(Tunnel { repl, driver, ending, _portion: portion, _places: places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portion::Portions;

    async fn repl() -> (tokio::net::TcpListener, Tunnels) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tunnels = Tunnels::to(Endpoint::Clojure(listener.local_addr().unwrap()));
        (listener, tunnels)
    }

    #[tokio::test]
    async fn a_caller_has_a_part_of_the_places_and_gets_them_back() {
        let (_listener, tunnels) = repl().await;
        let portions = Portions::default();
        let mut open = Vec::new();
        for caller in ["a", "b", "c", "d"] {
            for _ in 0..USER_TUNNELS {
                open.push(tunnels.open(portions.of_caller(caller)).await.unwrap());
            }
            let more = tunnels.open(portions.of_caller(caller)).await;
            assert!(matches!(more, Err(NoTunnel::TooMany)), "{more:?}");
        }
        assert_eq!(open.len(), MAX_TUNNELS);
        let more = tunnels.open(portions.of_caller("e")).await;
        assert!(matches!(more, Err(NoTunnel::Full)), "{more:?}");
        open.pop();
        tunnels.open(portions.of_caller("e")).await.unwrap();
    }

    #[tokio::test]
    async fn no_tunnel_without_a_repl_and_none_at_the_end() {
        let portion = Portions::default().of_caller("a");
        let none = Tunnels::to(Endpoint::Rhai).open(Arc::clone(&portion)).await;
        assert!(none.unwrap_err().to_string().contains("prepl exec"));
        let (listener, tunnels) = repl().await;
        drop(listener);
        let none = tunnels.open(Arc::clone(&portion)).await;
        assert!(none.unwrap_err().to_string().contains("is the app up"));
        tunnels.end();
        let none = tunnels.open(portion).await;
        assert!(matches!(none, Err(NoTunnel::Ending)), "{none:?}");
    }
}
