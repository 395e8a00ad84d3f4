//! The floor: bare tonic over the same mutual TLS, with nothing behind it.
//!
//! It speaks the sidecar's own protocol, with `Interrupt` as the bare unary call.

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
use tonic::{Request, Response, Status, Streaming};

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
        _: Request<v1::EvalRequest>,
    ) -> Result<Response<Self::EvalStream>, Status> {
        Err(Status::unimplemented("the floor has nothing to evaluate"))
    }

    async fn input(
        &self,
        _: Request<v1::InputRequest>,
    ) -> Result<Response<v1::InputReply>, Status> {
        Err(Status::unimplemented("the floor reads nothing"))
    }

    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptReply>, Status> {
        let asked = request.get_ref().request_id == ECHO;
        Ok(Response::new(v1::InterruptReply { asked }))
    }

    async fn end_session(
        &self,
        _: Request<v1::EndSessionRequest>,
    ) -> Result<Response<v1::EndSessionReply>, Status> {
        Err(Status::unimplemented("the floor keeps nothing"))
    }

    async fn describe(
        &self,
        _: Request<v1::DescribeRequest>,
    ) -> Result<Response<v1::DescribeReply>, Status> {
        Err(Status::unimplemented("the floor is nothing to describe"))
    }

    type TunnelStream = Box<dyn Stream<Item = Result<v1::TunnelDown, Status>> + Send + Unpin>;

    async fn tunnel(
        &self,
        _: Request<Streaming<v1::TunnelUp>>,
    ) -> Result<Response<Self::TunnelStream>, Status> {
        Err(Status::unimplemented("the floor leads nowhere"))
    }
}

/// What the unary call sends: as long as a request id.
const ECHO: [u8; 16] = *b"sixteen bytes up";

/// A connection to one server of the floor.
#[derive(Clone)]
pub struct FloorLine {
    client: SidecarClient<Channel>,
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
        Ok(FloorLine { client })
    }

    /// One bare unary call, and its answer checked.
    pub async fn call(&mut self) -> Result<(), Failure> {
        let request = v1::InterruptRequest { request_id: ECHO.to_vec(), caller: String::new() };
        let right = self.client.interrupt(request).await?.into_inner().asked;
        if right { Ok(()) } else { Err("the floor gave a wrong answer".into()) }
    }
}
