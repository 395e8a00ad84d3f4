//! A pod enrols with a controller over real TLS.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use prepl_identity::{Acceptor, Authority, Credentials, Name, TrustDomain};
use prepl_proto::v1::enrolment_server::{Enrolment as Service, EnrolmentServer};
use prepl_proto::v1::{EnrolReply, EnrolRequest};
use prepl_runtime::enrol::{Enrolment, NotEnrolled};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

const HOUR: Duration = Duration::from_secs(3600);

fn domain() -> TrustDomain {
    "prepl.cluster".parse().unwrap()
}

fn authority() -> Authority {
    Authority::create(&domain()).unwrap()
}

/// What the controller does, and the tokens that it saw.
#[derive(Clone)]
struct Controller {
    signer: Arc<Authority>,
    certifies: Name,
    lifetime: Duration,
    authorities: String,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl Controller {
    fn of(signer: Authority) -> Controller {
        Controller {
            authorities: signer.certificate_pem().to_owned(),
            signer: Arc::new(signer),
            certifies: Name::sidecar(&domain(), "u-1").unwrap(),
            lifetime: HOUR,
            tokens: Arc::default(),
        }
    }

    fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }

    async fn serve(&self, listener: TcpListener) {
        let name = Name::controller(&domain(), "c-1").unwrap();
        let own = Credentials::fixed(self.signer.issue(&name, HOUR).unwrap());
        let acceptor = Acceptor::without_client(&own);
        let (hand_over, streams) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept_anyone(socket).await {
                    drop(hand_over.send(Ok::<_, io::Error>(Open(stream))).await);
                }
            }
        });
        let service = EnrolmentServer::new(self.clone());
        let server = Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(ReceiverStream::new(streams)));
    }

    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.serve(listener).await;
        address
    }
}

#[tonic::async_trait]
impl Service for Controller {
    async fn enrol(&self, asked: Request<EnrolRequest>) -> Result<Response<EnrolReply>, Status> {
        let asked = asked.into_inner();
        self.tokens.lock().unwrap().push(asked.token);
        let certificate = self.signer.sign(&asked.csr, &self.certifies, self.lifetime);
        let certificate = certificate.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(EnrolReply { certificate, authorities: self.authorities.clone() }))
    }
}

struct Open<S>(S);

impl<S> Connected for Open<S> {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl<S: AsyncRead + Unpin> AsyncRead for Open<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Open<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct Pod {
    enrolment: Enrolment,
    _folder: tempfile::TempDir,
}

fn pod(address: SocketAddr, authorities: &str) -> Pod {
    let folder = tempfile::tempdir().unwrap();
    let token_file: PathBuf = folder.path().join("token");
    std::fs::write(&token_file, "secret-token\n").unwrap();
    let name = Name::sidecar(&domain(), "u-1").unwrap();
    let (address, authorities) = (address.to_string(), authorities.to_owned());
    let state = Some(folder.path().to_owned());
    Pod { enrolment: Enrolment { address, token_file, name, authorities, state }, _folder: folder }
}

#[tokio::test]
async fn a_pod_shows_its_token_and_gets_its_certificate() {
    let controller = Controller::of(authority());
    let mut pod = pod(controller.start().await, &controller.authorities);
    let bundle = pod.enrolment.enrol().await;
    assert_eq!(bundle.name(), &pod.enrolment.name);
    assert_eq!(controller.tokens(), ["secret-token"]);
}

#[tokio::test]
async fn a_server_of_another_authority_never_sees_the_token() {
    let stranger = Controller::of(authority());
    let mut pod = pod(stranger.start().await, authority().certificate_pem());
    let refused = pod.enrolment.attempt().await.unwrap_err();
    assert!(matches!(refused, NotEnrolled::Unreached { .. }), "{refused}");
    assert!(refused.to_string().contains("authority unknown"), "{refused}");
    assert!(stranger.tokens().is_empty());
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_not_taken() {
    let mut controller = Controller::of(authority());
    controller.certifies = Name::sidecar(&domain(), "u-2").unwrap();
    let mut pod = pod(controller.start().await, &controller.authorities);
    let refused = pod.enrolment.attempt().await.unwrap_err();
    assert!(matches!(refused, NotEnrolled::OtherName(_)), "{refused}");
}

#[tokio::test]
async fn a_controller_that_is_away_at_first_is_asked_again() {
    let controller = Controller::of(authority());
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let mut pod = pod(address, &controller.authorities);
    let away = pod.enrolment.attempt().await.unwrap_err();
    assert!(matches!(away, NotEnrolled::Unreached { .. }), "{away}");
    let trying = tokio::spawn(async move { pod.enrolment.enrol().await });
    controller.serve(TcpListener::bind(address).await.unwrap()).await;
    assert_eq!(trying.await.unwrap().name(), &controller.certifies);
}

#[tokio::test]
async fn a_short_lived_certificate_is_renewed_and_a_new_authority_is_trusted() {
    let (old, new) = (authority(), authority());
    let mut controller = Controller::of(old);
    controller.authorities += new.certificate_pem();
    controller.lifetime = Duration::from_secs(2);
    let mut pod = pod(controller.start().await, controller.signer.certificate_pem());
    let credentials = Credentials::fixed(pod.enrolment.enrol().await);
    let successor = Controller::of(new);
    pod.enrolment.address = successor.start().await.to_string();
    let first = credentials.current();
    let mut bundles = credentials.subscribe();
    let renewing = {
        let credentials = credentials.clone();
        tokio::spawn(async move { pod.enrolment.keep_fresh(&credentials).await })
    };
    bundles.changed().await.unwrap();
    renewing.abort();
    assert_ne!(credentials.current().secret_pem(), first.secret_pem());
    assert_eq!(successor.tokens(), ["secret-token"]);
}

#[tokio::test]
async fn a_process_that_starts_later_trusts_whom_an_earlier_one_was_told_to_trust() {
    let (old, new) = (authority(), authority());
    let mut controller = Controller::of(old);
    controller.authorities += new.certificate_pem();
    let mut pod = pod(controller.start().await, controller.signer.certificate_pem());
    pod.enrolment.attempt().await.unwrap();
    let successor = Controller::of(new);
    let mut later = pod.enrolment.clone();
    later.address = successor.start().await.to_string();
    later.authorities = controller.signer.certificate_pem().to_owned();
    assert!(later.attempt().await.is_err(), "the arguments name the old authority alone");
    later.recall();
    later.attempt().await.unwrap();
    std::fs::write(later.state.clone().unwrap().join("authorities.pem"), "damaged").unwrap();
    later.recall();
    later.attempt().await.unwrap();
}
