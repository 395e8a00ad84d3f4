//! A network that fails when it is told to.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How a network fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Connections break, and no new one is made.
    Cut,
    /// Nothing passes any more, and nothing breaks.
    Stalled,
}

/// A proxy in front of a sidecar; ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
    task: AbortHandle,
}

impl Proxy {
    /// Starts a proxy to `server`.
    pub async fn to(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let weather = watch::channel(Weather::Fair).0;
        let watched = weather.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, watched.clone()));
            }
        });
        Proxy { address, weather, task: task.abort_handle() }
    }

    /// Breaks all connections and makes no new one.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }

    /// Lets nothing pass any more.
    pub fn stall(&self) {
        self.weather.send_replace(Weather::Stalled);
    }

    /// Repairs the network for new connections.
    pub fn repair(&self) {
        self.weather.send_replace(Weather::Fair);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        stalled = turns_bad(&mut weather) => {
            if stalled {
                // Both connections stay open until the proxy ends.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Completes when the network fails; tells whether it only stalls.
async fn turns_bad(weather: &mut watch::Receiver<Weather>) -> bool {
    let bad = weather.wait_for(|weather| *weather != Weather::Fair).await;
    bad.is_ok_and(|bad| *bad == Weather::Stalled)
}
