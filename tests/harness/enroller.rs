//! A controller that certifies gateways, and does nothing else: a pod's token is its UID.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use prepl_identity::{Acceptor, Authority, Credentials, MEMBER_LIFETIME, Name};
use prepl_proto::v1::enrolment_server::{Enrolment, EnrolmentServer};
use prepl_proto::v1::{EnrolReply, EnrolRequest};
use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Bytes between two ends.
const PIPE: usize = 64 << 10;

/// The controller; ends when it is dropped.
pub struct Enroller {
    /// Where it listens.
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

struct Service(Authority);

impl Enroller {
    /// Starts one that signs by this authority.
    pub async fn start(authority: &Authority) -> Enroller {
        let authority = Authority::parse(&authority.secret_pem()).expect("an authority");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let name = Name::controller(authority.domain(), "controller-1").expect("a good name");
        let own = authority.issue(&name, MEMBER_LIFETIME).expect("a certificate");
        let acceptor = Arc::new(Acceptor::without_client(&Credentials::fixed(own)));
        let (hand_over, connections) = mpsc::channel(1);
        let server = Server::builder().add_service(EnrolmentServer::new(Service(authority)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let served = server.serve_with_incoming(ReceiverStream::new(connections)).await;
            served.expect("a serving controller");
        });
        tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(accept(Arc::clone(&acceptor), socket, hand_over.clone()));
            }
        });
        Enroller { address, _tasks: tasks }
    }
}

/// Ends when the peer leaves: it is the peer who is tested.
async fn accept(
    acceptor: Arc<Acceptor>,
    socket: TcpStream,
    hand_over: mpsc::Sender<io::Result<DuplexStream>>,
) {
    let Ok(mut secure) = acceptor.accept_anyone(socket).await else { return };
    let (near, mut far) = duplex(PIPE);
    let _ = hand_over.send(Ok(near)).await;
    let _ = copy_bidirectional(&mut secure, &mut far).await;
}

#[tonic::async_trait]
impl Enrolment for Service {
    async fn enrol(&self, asked: Request<EnrolRequest>) -> Result<Response<EnrolReply>, Status> {
        let EnrolRequest { token, csr } = asked.into_inner();
        let refused = |error: &dyn std::error::Error| Status::invalid_argument(error.to_string());
        let name = Name::gateway(self.0.domain(), &token).map_err(|error| refused(&error))?;
        let signed = self.0.sign(&csr, &name, MEMBER_LIFETIME);
        let certificate = signed.map_err(|error| refused(&error))?;
        let authorities = self.0.certificate_pem().to_owned();
        Ok(Response::new(EnrolReply { certificate, authorities }))
    }
}
