//! A gateway that tells of its audit log whatever the test likes, and does nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use prepl_identity::Credentials;
use prepl_operator::gateway::doorkeeper::AccessOnly;
use prepl_operator::gateway::start::MAX_CONNECTIONS;
use prepl_proto::v1;
use prepl_proto::v1::audit_part::Part;
use prepl_proto::v1::gateway_server::{Gateway, GatewayServer};
use prepl_runtime::door;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

/// The gateway; ends when it is dropped.
pub struct Teller {
    /// Where it listens.
    pub address: SocketAddr,
    task: AbortHandle,
}

/// What it tells.
#[derive(Clone, Debug)]
pub enum Tale {
    /// These parts, and the end.
    Parts(Vec<Part>),
    /// A file without an end.
    Endless(String),
    /// One file, and then nothing more, not even the end.
    Silent(String),
}

impl Teller {
    /// Starts one.
    pub async fn start(credentials: &Credentials, tale: Tale) -> Teller {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let credentials = credentials.clone();
        let task = tokio::spawn(async move {
            let routes = Routes::new(GatewayServer::new(Telling(Arc::new(tale))));
            let (doorkeeper, stop) = (AccessOnly::default(), std::future::pending());
            let served =
                door::serve(listener, &credentials, MAX_CONNECTIONS, doorkeeper, routes, stop);
            served.await.expect("a serving gateway");
        });
        Teller { address, task: task.abort_handle() }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Telling(Arc<Tale>);

type Sender = mpsc::Sender<Result<v1::AuditPart, Status>>;

/// Ends when the reader leaves.
async fn tell(tale: Arc<Tale>, to: Sender) -> Result<(), mpsc::error::SendError<()>> {
    let send = async |part: Part| {
        let sent = to.send(Ok(v1::AuditPart { part: Some(part) })).await;
        sent.map_err(|_| mpsc::error::SendError(()))
    };
    match &*tale {
        Tale::Parts(parts) => {
            for part in parts {
                send(part.clone()).await?;
            }
        }
        Tale::Endless(name) => {
            send(Part::File(name.clone())).await?;
            loop {
                send(Part::Data(vec![b'x'; 64 << 10])).await?;
            }
        }
        Tale::Silent(name) => {
            send(Part::File(name.clone())).await?;
            to.closed().await;
        }
    }
    Ok(())
}

#[tonic::async_trait]
impl Gateway for Telling {
    type AuditStream = ReceiverStream<Result<v1::AuditPart, Status>>;

    async fn audit(
        &self,
        _: Request<v1::AuditRequest>,
    ) -> Result<Response<Self::AuditStream>, Status> {
        let (to, parts) = mpsc::channel(1);
        tokio::spawn(tell(Arc::clone(&self.0), to));
        Ok(Response::new(ReceiverStream::new(parts)))
    }

    type RunStream = ReceiverStream<Result<v1::ReportBatch, Status>>;

    async fn run(
        &self,
        _: Request<Streaming<v1::RunCommand>>,
    ) -> Result<Response<Self::RunStream>, Status> {
        Err(Status::unimplemented("it tells its log alone"))
    }

    async fn list(&self, _: Request<v1::ListRequest>) -> Result<Response<v1::ListReply>, Status> {
        Err(Status::unimplemented("it tells its log alone"))
    }

    async fn describe_replicas(
        &self,
        _: Request<v1::DescribeReplicasRequest>,
    ) -> Result<Response<v1::DescribeReplicasReply>, Status> {
        Err(Status::unimplemented("it tells its log alone"))
    }

    async fn end_session(
        &self,
        _: Request<v1::EndSessionsRequest>,
    ) -> Result<Response<v1::EndSessionsReply>, Status> {
        Err(Status::unimplemented("it tells its log alone"))
    }

    async fn judge(
        &self,
        _: Request<v1::JudgeRequest>,
    ) -> Result<Response<v1::JudgeReply>, Status> {
        Err(Status::unimplemented("it tells its log alone"))
    }

    type AttachStream = ReceiverStream<Result<v1::AttachDown, Status>>;

    async fn attach(
        &self,
        _: Request<Streaming<v1::AttachUp>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        Err(Status::unimplemented("it tells its log alone"))
    }
}
