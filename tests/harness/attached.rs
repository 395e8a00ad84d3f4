//! Tunnels: a gateway's part without Kubernetes, REPLs that only carry bytes, and local clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Outcome, Reason, Replica, Selection};
use prepl_gateway::claim::{self, Shown};
use prepl_gateway::tunnel::Broke;
use prepl_gateway::{Gateway, Tunnel};
use prepl_operator::gateway::access::Refused;
use prepl_operator::gateway::attach::{Told, opening, relay};
use prepl_operator::gateway::fleet::find;
use prepl_proto::v1;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::gateway::ClusterGateway;
use crate::{Recording, asker, permitted};

/// More than a tunnel over loopback takes to open.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Leads a user's tunnel until `denied` completes.
pub(crate) async fn lead(
    gateway: &ClusterGateway,
    user: &str,
    denied: impl Future<Output = Refused> + Send + 'static,
    mut ups: Streaming<v1::AttachUp>,
) -> Result<Told, Status> {
    let (uid, signed) = opening(&mut ups).await?;
    let request = claim::request(&signed).ok_or_else(|| Status::invalid_argument("no claim"))?;
    let shown = Shown::of(signed, std::slice::from_ref(&uid));
    let dialer = gateway.dialer.on_behalf_of(user.into(), Some(shown));
    let asked = find(&[uid], gateway.replicas.to_vec());
    let not_there = |_| Status::failed_precondition("the pod is gone");
    let selection = (asked.selection.len() == 1).then_some(asked.selection).ok_or(());
    let permit = permitted(&selection.map_err(not_there)?);
    let recorder = gateway.records.recorder().await;
    let recorded = recorder.tunnel(permit, request, &asker(user)).await.map_err(Refused::from)?;
    let tunnel = Gateway::new(dialer).attach(recorded, PATIENCE).await;
    let words = |outcome: &Outcome| outcome.reason().map(Reason::to_string).unwrap_or_default();
    let opened = tunnel.map_err(|outcome| Status::failed_precondition(words(&outcome)))?;
    let (tunnel, _record) = opened;
    let (messages, told) = mpsc::channel(3);
    tokio::spawn(async move {
        relay(ups, tunnel, messages, denied).await;
    });
    Ok(ReceiverStream::new(told))
}

/// A REPL that does with each connection what a test says; ends when it is dropped.
#[derive(Debug)]
pub struct Plain {
    /// Where it listens.
    pub address: SocketAddr,
    taken: watch::Receiver<usize>,
    task: AbortHandle,
}

impl Plain {
    /// Starts one.
    pub async fn start<F>(behave: impl Fn(TcpStream) -> F + Send + 'static) -> Plain
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (count, taken) = watch::channel(0);
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                count.send_modify(|taken| *taken += 1);
                tokio::spawn(behave(peer));
            }
        });
        Plain { address, taken, task: task.abort_handle() }
    }

    /// A REPL that says back what it hears, to the end.
    pub async fn echo() -> Plain {
        Plain::start(|mut peer| async move {
            let (mut read, mut write) = peer.split();
            // A peer that breaks off is the end of its connection.
            let _ = tokio::io::copy(&mut read, &mut write).await;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut write).await;
        })
        .await
    }

    /// How many connections it has taken.
    pub fn taken(&self) -> usize {
        *self.taken.borrow()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A local client of a tunnel.
#[derive(Debug)]
pub struct Local {
    /// The client's own socket.
    pub socket: TcpStream,
    /// How the tunnel ends.
    pub tunnel: JoinHandle<Result<(), Broke>>,
}

impl Local {
    /// Connects one.
    pub async fn of(tunnel: Tunnel) -> Local {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (socket, taken) = tokio::join!(TcpStream::connect(address), listener.accept());
        let taken = taken.expect("a connection").0;
        Local { socket: socket.expect("a connection"), tunnel: tokio::spawn(tunnel.carry(taken)) }
    }
}

/// Opens a tunnel to a replica past every decision but the sidecar's.
pub async fn attach(gateway: &Recording, replica: &Replica) -> Result<Tunnel, Outcome> {
    let permit = permitted(&Selection::of(vec![replica.clone()]));
    gateway.attach(permit, PATIENCE).await.map(|(tunnel, _)| tunnel)
}

/// Bytes of every value in an order that does not repeat soon.
pub fn noise(count: usize) -> Arc<[u8]> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(step).take(count).collect()
}
