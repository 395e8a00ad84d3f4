//! Sidecars with a valid certificate that keep no promise.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use prepl_core::Event;
use prepl_identity::{Acceptor, Bundle, Credentials};
use prepl_proto::convert::batch;
use prepl_proto::v1;
use prepl_proto::v1::sidecar_server::{Sidecar, SidecarServer};
use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Bytes between mutual TLS and the server.
const PIPE: usize = 64 << 10;

/// What a rogue answers to every evaluation.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// Which replica it says it is; without one, itself.
    pub claims: Option<&'static str>,
    /// What it says.
    pub says: Vec<Event>,
    /// What it does then.
    pub then: Then,
}

/// What a rogue does after its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It ends the stream.
    Ends,
    /// It keeps the stream and says nothing more.
    Hangs,
    /// It says all of it again, without end.
    Repeats,
}

impl Conduct {
    /// Says this and does that.
    pub fn new(says: Vec<Event>, then: Then) -> Conduct {
        Conduct { claims: None, says, then }
    }
}

/// A rogue sidecar; ends when it is dropped.
#[derive(Debug)]
pub struct Rogue {
    /// Where it listens.
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Rogue {
    /// Starts one with the certificate of the replica `uid`.
    pub async fn start(uid: &str, bundle: Bundle, conduct: Conduct) -> Rogue {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (hand_over, connections) = mpsc::channel(1);
        let service = Service { uid: uid.to_owned(), conduct };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, bundle, hand_over));
        tasks.spawn(async move {
            let served = Server::builder()
                .add_service(SidecarServer::new(service))
                .serve_with_incoming(ReceiverStream::new(connections));
            served.await.expect("a serving rogue");
        });
        Rogue { address, _tasks: tasks }
    }
}

async fn accept(
    listener: TcpListener,
    bundle: Bundle,
    hand_over: mpsc::Sender<io::Result<DuplexStream>>,
) {
    let acceptor = Acceptor::new(&Credentials::fixed(bundle));
    let mut passing = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let Ok(mut secure) = acceptor.accept(socket).await else { continue };
        let (near, mut far) = duplex(PIPE);
        passing.spawn(async move { copy_bidirectional(&mut secure, &mut far).await });
        let _ = hand_over.send(Ok(near)).await;
    }
}

struct Service {
    uid: String,
    conduct: Conduct,
}

type Batches = mpsc::Sender<Result<v1::EventBatch, Status>>;

#[tonic::async_trait]
impl Sidecar for Service {
    type EvalStream = ReceiverStream<Result<v1::EventBatch, Status>>;

    async fn eval(
        &self,
        request: Request<v1::EvalRequest>,
    ) -> Result<Response<Self::EvalStream>, Status> {
        let (tell, batches) = mpsc::channel(1);
        let run = request.into_inner().run_id;
        let uid = self.conduct.claims.unwrap_or(&self.uid).to_owned();
        tokio::spawn(answer(run, uid, self.conduct.clone(), tell));
        Ok(Response::new(ReceiverStream::new(batches)))
    }

    async fn input(
        &self,
        _: Request<v1::InputRequest>,
    ) -> Result<Response<v1::InputReply>, Status> {
        Err(Status::unimplemented("a rogue reads nothing"))
    }

    async fn interrupt(
        &self,
        _: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptReply>, Status> {
        Ok(Response::new(v1::InterruptReply { asked: false }))
    }

    async fn end_session(
        &self,
        _: Request<v1::EndSessionRequest>,
    ) -> Result<Response<v1::EndSessionReply>, Status> {
        Err(Status::unimplemented("a rogue keeps no session"))
    }

    async fn describe(
        &self,
        _: Request<v1::DescribeRequest>,
    ) -> Result<Response<v1::DescribeReply>, Status> {
        Err(Status::unavailable("a rogue tells nothing"))
    }

    type TunnelStream = ReceiverStream<Result<v1::TunnelDown, Status>>;

    async fn tunnel(
        &self,
        _: Request<Streaming<v1::TunnelUp>>,
    ) -> Result<Response<Self::TunnelStream>, Status> {
        Err(Status::unimplemented("a rogue has no tunnels"))
    }
}

/// Ends when the peer leaves: it is the peer who is tested.
async fn answer(run: String, uid: String, conduct: Conduct, tell: Batches) {
    loop {
        let events = batch(&run, &uid, 0, conduct.says.clone());
        if tell.send(Ok(events)).await.is_err() {
            return;
        }
        match conduct.then {
            Then::Ends => return,
            Then::Hangs => return tell.closed().await,
            Then::Repeats => {}
        }
    }
}
