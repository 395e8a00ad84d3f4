//! The floor: bare tonic over the same mutual TLS, with nothing behind it.
//!
//! It speaks the sidecar's own protocol, so that messages of the same shape are compared:
//! `Interrupt` is the bare unary call, and `Eval` a bare stream of one message.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use prepl_identity::{Acceptor, Connector, Credentials, Name, Secure};
use prepl_proto::v1;
use prepl_proto::v1::sidecar_client::SidecarClient;
use prepl_proto::v1::sidecar_server::{Sidecar, SidecarServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::Failure;

/// Serves on `listener` for as long as the process lives.
pub fn serve(listener: TcpListener, bundle: &Path) -> Result<(), Failure> {
    let acceptor = Acceptor::new(&Credentials::from_file(bundle)?);
    let (hand_over, connections) = mpsc::channel(1);
    tokio::spawn(accept(listener, acceptor, hand_over));
    let server = Server::builder().add_service(SidecarServer::new(Bare));
    tokio::spawn(server.serve_with_incoming(ReceiverStream::new(connections)));
    Ok(())
}

/// A connection whose handshake is over, as tonic takes it.
type Incoming = std::io::Result<Connection>;

async fn accept(listener: TcpListener, acceptor: Acceptor, hand_over: mpsc::Sender<Incoming>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, hand_over) = (acceptor.clone(), hand_over.clone());
        tokio::spawn(async move {
            // A caller that breaks off is the caller's failure, and is told there.
            if socket.set_nodelay(true).is_ok()
                && let Ok(stream) = acceptor.accept(socket).await
            {
                let _ = hand_over.send(Ok(Connection(stream))).await;
            }
        });
    }
}

/// Makes a server's connection of a secure stream.
struct Connection(Secure);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct Bare;

#[tonic::async_trait]
impl Sidecar for Bare {
    type EvalStream = Box<dyn Stream<Item = Result<v1::EventBatch, Status>> + Send + Unpin>;

    async fn eval(
        &self,
        request: Request<v1::EvalRequest>,
    ) -> Result<Response<Self::EvalStream>, Status> {
        let v1::EvalRequest { run_id, replica_uid, .. } = request.into_inner();
        let batch = v1::EventBatch { run_id, replica_uid, first_sequence: 0, events: events() };
        Ok(Response::new(Box::new(tokio_stream::once(Ok(batch)))))
    }

    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptReply>, Status> {
        let asked = request.get_ref().request_id == ECHO;
        Ok(Response::new(v1::InterruptReply { asked }))
    }

    async fn describe(
        &self,
        _: Request<v1::DescribeRequest>,
    ) -> Result<Response<v1::DescribeReply>, Status> {
        Err(Status::unimplemented("the floor is nothing to describe"))
    }
}

/// What the unary call sends: as long as a request id.
const ECHO: [u8; 16] = *b"sixteen bytes up";

/// What a sidecar answers to `40+2`.
fn events() -> Vec<v1::Event> {
    use v1::event::Kind;
    let value = v1::Value { form: 0, text: "42".to_owned(), truncated: false };
    let ok = v1::done::Outcome::Ok(v1::Ok {});
    let done = v1::Done { outcome: Some(ok), eval_us: 1, ..v1::Done::default() };
    let kinds = [Kind::Started(v1::Started {}), Kind::Value(value), Kind::Done(done)];
    kinds.into_iter().map(|kind| v1::Event { kind: Some(kind) }).collect()
}

/// A connection to one server of the floor.
#[derive(Clone)]
pub struct FloorLine {
    client: SidecarClient<Channel>,
    request: v1::EvalRequest,
}

/// Which bare call is the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// One message up, one down.
    Unary,
    /// One message up, a stream of one down.
    Stream,
}

impl FloorLine {
    /// Connects with all that mutual TLS needs.
    pub async fn connect(
        connector: &Connector,
        name: &Name,
        address: SocketAddr,
    ) -> Result<FloorLine, Failure> {
        let (connector, name) = (connector.clone(), name.clone());
        let secure = tower::service_fn(move |_| {
            let (connector, name) = (connector.clone(), name.clone());
            async move {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                let stream = connector.connect(socket, &name).await?;
                Ok::<_, Failure>(TokioIo::new(stream))
            }
        });
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        let client = SidecarClient::new(endpoint.connect_with_connector(secure).await?);
        Ok(FloorLine { client, request: request() })
    }

    /// One call, and its answer checked.
    pub async fn call(&mut self, call: Call) -> Result<(), Failure> {
        let right = match call {
            Call::Unary => {
                let request = v1::InterruptRequest { request_id: ECHO.to_vec() };
                self.client.interrupt(request).await?.into_inner().asked
            }
            Call::Stream => {
                let mut stream = self.client.eval(self.request.clone()).await?.into_inner();
                let batch = stream.message().await?;
                let ended = stream.message().await?.is_none();
                ended && batch.is_some_and(|batch| batch.events == events())
            }
        };
        if right { Ok(()) } else { Err("the floor gave a wrong answer".into()) }
    }
}

fn request() -> v1::EvalRequest {
    v1::EvalRequest {
        request_id: ECHO.to_vec(),
        run_id: "FL00RFL0".to_owned(),
        replica_uid: "uid-0".to_owned(),
        expression: "40+2".to_owned(),
        ..v1::EvalRequest::default()
    }
}
