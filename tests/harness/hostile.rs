//! REPLs that misbehave on purpose.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What a hostile REPL does once somebody connects.
#[derive(Clone, Debug)]
pub enum Conduct {
    /// Sends these bytes, and then nothing more.
    Says(Vec<u8>),
    /// Sends these bytes over and over, as fast as they are taken.
    Repeats(Vec<u8>),
    /// Sends these bytes and closes.
    SaysAndCloses(Vec<u8>),
    /// Answers the first bytes with the first text, the second with the second, and so on; is
    /// silent after that.
    Answers(Vec<Vec<u8>>),
}

/// A hostile REPL; ends when it is dropped.
#[derive(Debug)]
pub struct Hostile {
    /// Where it listens.
    pub address: SocketAddr,
    task: AbortHandle,
}

impl Hostile {
    /// Starts one.
    pub async fn start(conduct: Conduct) -> Hostile {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(behave(peer, conduct.clone()));
            }
        });
        Hostile { address, task: task.abort_handle() }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when the peer leaves: it is the peer who is tested.
async fn behave(mut peer: TcpStream, conduct: Conduct) {
    match conduct {
        Conduct::Says(bytes) => {
            let _ = peer.write_all(&bytes).await;
            read_all(&mut peer).await;
        }
        Conduct::SaysAndCloses(bytes) => {
            let _ = peer.write_all(&bytes).await;
        }
        Conduct::Repeats(bytes) => while peer.write_all(&bytes).await.is_ok() {},
        Conduct::Answers(answers) => {
            let mut question = [0; 64 << 10];
            for answer in answers {
                if !matches!(peer.read(&mut question).await, Ok(1..)) {
                    return;
                }
                let _ = peer.write_all(&answer).await;
            }
            read_all(&mut peer).await;
        }
    }
}

async fn read_all(peer: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while matches!(peer.read(&mut bytes).await, Ok(1..)) {}
}
