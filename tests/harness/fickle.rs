//! A gateway that takes every run and tells nothing of it, over pipes: where no network is, a
//! paused clock moves only when everybody waits for it.

use std::io;

use prepl_gateway::Remote;
use prepl_identity::{Acceptor, Bundle, Credentials};
use prepl_proto::v1;
use prepl_proto::v1::gateway_server::{Gateway, GatewayServer};
use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Bytes between two ends.
const PIPE: usize = 64 << 10;

/// A user's way to such a gateway, and how many runs it took.
pub async fn connect(gateway: Bundle, user: Bundle) -> (Remote, watch::Receiver<usize>) {
    let (counts, runs) = watch::channel(0);
    let (hand_over, connections) = mpsc::channel(1);
    let server = Server::builder().add_service(GatewayServer::new(Fickle(counts)));
    tokio::spawn(server.serve_with_incoming(ReceiverStream::new(connections)));
    let acceptor = Acceptor::new(&Credentials::fixed(gateway));
    let open = move || {
        let (near, far) = duplex(PIPE);
        tokio::spawn(accept(acceptor.clone(), far, hand_over.clone()));
        std::future::ready(Ok::<_, io::Error>(near))
    };
    let remote = Remote::connect(&Credentials::fixed(user), open).await;
    (remote.expect("a gateway"), runs)
}

/// Ends when the peer leaves: it is the peer who is tested.
async fn accept(
    acceptor: Acceptor,
    stream: DuplexStream,
    hand_over: mpsc::Sender<io::Result<DuplexStream>>,
) {
    let mut secure = acceptor.accept(stream).await.expect("a member");
    let (near, mut far) = duplex(PIPE);
    let _ = hand_over.send(Ok(near)).await;
    let _ = copy_bidirectional(&mut secure, &mut far).await;
}

struct Fickle(watch::Sender<usize>);

#[tonic::async_trait]
impl Gateway for Fickle {
    type RunStream = ReceiverStream<Result<v1::ReportBatch, Status>>;

    async fn run(
        &self,
        _: Request<Streaming<v1::RunCommand>>,
    ) -> Result<Response<Self::RunStream>, Status> {
        self.0.send_modify(|runs| *runs += 1);
        Ok(Response::new(ReceiverStream::new(mpsc::channel(1).1)))
    }

    async fn list(&self, _: Request<v1::ListRequest>) -> Result<Response<v1::ListReply>, Status> {
        Err(Status::unimplemented("it is fickle"))
    }

    async fn describe_replicas(
        &self,
        _: Request<v1::DescribeReplicasRequest>,
    ) -> Result<Response<v1::DescribeReplicasReply>, Status> {
        Err(Status::unimplemented("it is fickle"))
    }

    async fn end_session(
        &self,
        _: Request<v1::EndSessionsRequest>,
    ) -> Result<Response<v1::EndSessionsReply>, Status> {
        Err(Status::unimplemented("it is fickle"))
    }

    async fn judge(
        &self,
        _: Request<v1::JudgeRequest>,
    ) -> Result<Response<v1::JudgeReply>, Status> {
        Err(Status::unimplemented("it is fickle"))
    }

    type AuditStream = ReceiverStream<Result<v1::AuditPart, Status>>;

    async fn audit(
        &self,
        _: Request<v1::AuditRequest>,
    ) -> Result<Response<Self::AuditStream>, Status> {
        Err(Status::unimplemented("it is fickle"))
    }

    type AttachStream = ReceiverStream<Result<v1::AttachDown, Status>>;

    async fn attach(
        &self,
        _: Request<Streaming<v1::AttachUp>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        Err(Status::unimplemented("it is fickle"))
    }
}
