//! A fleet to test with.

use prepl_identity::{
    Acceptor, Authority, Bundle, Connector, Credentials, HandshakeFailed, MEMBER_LIFETIME, Name,
    Secure, TrustDomain,
};
use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) fn domain() -> TrustDomain {
    "shop.example".parse().unwrap()
}

pub(crate) fn sidecar(uid: &str) -> Name {
    Name::sidecar(&domain(), uid).unwrap()
}

pub(crate) fn gateway() -> Name {
    Name::gateway(&domain(), "main").unwrap()
}

pub(crate) fn fleet() -> Authority {
    Authority::create(&domain()).unwrap()
}

pub(crate) fn bundle(authority: &Authority, name: &Name) -> Bundle {
    authority.issue(name, MEMBER_LIFETIME).unwrap()
}

pub(crate) fn credentials(authority: &Authority, name: &Name) -> Credentials {
    Credentials::fixed(bundle(authority, name))
}

/// A PEM bundle whose certificate the authority would not issue: `change` makes it wrong.
pub(crate) fn forged(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> String {
    let secret = authority.secret_pem();
    let signer = KeyPair::from_pem(&secret).unwrap();
    let root = CertificateDer::from_pem_slice(secret.as_bytes()).unwrap();
    let issuer = Issuer::from_ca_cert_der(&root, signer).unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![uri(&sidecar("a").to_string())];
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap().pem();
    key.serialize_pem() + &certificate + authority.certificate_pem()
}

pub(crate) fn forged_credentials(
    authority: &Authority,
    change: impl FnOnce(&mut CertificateParams),
) -> Credentials {
    Credentials::fixed(Bundle::parse(&forged(authority, change)).unwrap())
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.to_owned().try_into().unwrap())
}

pub(crate) async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (caller, listener.accept().await.unwrap().0)
}

pub(crate) type Answer = Result<Secure, HandshakeFailed>;

/// One handshake over loopback: what the caller got, and what the answering side got.
pub(crate) async fn shake(
    caller: &Credentials,
    answerer: &Credentials,
    name: &Name,
) -> (Answer, Answer) {
    let (near, far) = sockets().await;
    let (connector, acceptor) = (Connector::new(caller), Acceptor::new(answerer));
    tokio::join!(connector.connect(near, name), acceptor.accept(far))
}

/// Sends a few bytes each way.
pub(crate) async fn talk(caller: &mut Secure, answerer: &mut Secure) {
    let mut four = [0; 4];
    caller.write_all(b"ping").await.unwrap();
    caller.flush().await.unwrap();
    answerer.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"ping");
    answerer.write_all(b"pong").await.unwrap();
    answerer.flush().await.unwrap();
    caller.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"pong");
}

/// A rustls server that is not built by this crate, with a certificate for `name`.
pub(crate) fn raw_server(authority: &Authority, name: &str) -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::PrivateKeyDer;
    let pem = forged(authority, |params| params.subject_alt_names = vec![uri(name)]);
    let own = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    std::sync::Arc::new(config).into()
}

/// Believes every certificate, so that a test's own client comes as far as it can.
#[derive(Debug)]
pub(crate) struct Gullible;

mod gullible {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    impl ServerCertVerifier for super::Gullible {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ECDSA_NISTP256_SHA256]
        }
    }
}
