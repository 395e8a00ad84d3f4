//! Callers without a certificate, and members that are expected by their kind.

use crate::common::{credentials, domain, fleet, gateway, sidecar, sockets};
use prepl_identity::{
    Acceptor, Authority, BundleProblem, Connector, Credentials, Expected, HandshakeFailed,
    KeyRequest, MEMBER_LIFETIME, Name, PemProblem,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use x509_parser::prelude::*;

fn controller(authority: &Authority) -> Credentials {
    credentials(authority, &Name::controller(&domain(), "c-1").unwrap())
}

fn newcomer(authority: &Authority) -> Connector {
    Connector::anonymous(authority.certificate_pem(), &domain()).unwrap()
}

#[tokio::test]
async fn a_newcomer_talks_with_the_controller_of_its_fleet() {
    let authority = fleet();
    let acceptor = Acceptor::without_client(&controller(&authority));
    let (near, far) = sockets().await;
    let (connector, own) = (newcomer(&authority), domain());
    let (near, far) =
        tokio::join!(connector.connect_controller(near, &own), acceptor.accept_anyone(far));
    let (mut near, mut far) = (near.unwrap(), far.unwrap());
    assert_eq!(near.peer().to_string(), "spiffe://shop.example/controller/c-1");
    near.write_all(b"ping").await.unwrap();
    near.flush().await.unwrap();
    let mut four = [0; 4];
    far.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"ping");
}

#[tokio::test]
async fn a_newcomer_refuses_whoever_is_no_controller_of_its_fleet() {
    let (authority, other) = (fleet(), fleet());
    for (answerer, foreign) in [
        (credentials(&authority, &sidecar("a")), false),
        (credentials(&authority, &gateway()), false),
        (controller(&other), true),
    ] {
        let acceptor = Acceptor::without_client(&answerer);
        let (near, far) = sockets().await;
        let (connector, own) = (newcomer(&authority), domain());
        let (near, far) =
            tokio::join!(connector.connect_controller(near, &own), acceptor.accept_anyone(far));
        let refused = near.unwrap_err();
        assert_eq!(matches!(refused, HandshakeFailed::UnknownAuthority), foreign, "{refused}");
        assert_eq!(matches!(refused, HandshakeFailed::WrongName { .. }), !foreign, "{refused}");
        assert!(far.is_err());
    }
}

#[tokio::test]
async fn a_newcomer_is_not_let_in_where_members_talk() {
    let authority = fleet();
    let acceptor = Acceptor::new(&controller(&authority));
    let (near, far) = sockets().await;
    let (connector, own) = (newcomer(&authority), domain());
    let (_, far) = tokio::join!(connector.connect_controller(near, &own), acceptor.accept(far));
    assert!(matches!(far.unwrap_err(), HandshakeFailed::NoCertificate));
}

#[test]
fn any_gateway_of_the_fleet_is_expected_and_nobody_else() {
    let expected = Expected::Gateway(domain());
    assert!(expected.admits(&gateway()));
    assert!(!expected.admits(&sidecar("a")));
    assert!(!expected.admits(&Name::gateway(&"other.example".parse().unwrap(), "main").unwrap()));
}

#[test]
fn authorities_with_a_key_or_a_member_among_them_are_refused() {
    let authority = fleet();
    let refusal = |text: &str| Connector::anonymous(text, &domain()).err();
    let key = BundleProblem::Pem(PemProblem::UnwantedKey);
    assert_eq!(refusal(&authority.secret_pem()), Some(key));
    assert_eq!(refusal(""), Some(BundleProblem::NoAnchor));
    let request = KeyRequest::new().unwrap();
    let member = authority.sign(request.csr_pem(), &sidecar("a"), MEMBER_LIFETIME).unwrap();
    let mixed = member + authority.certificate_pem();
    assert_eq!(refusal(&mixed), Some(BundleProblem::ChainBeforeAnchors));
}

#[test]
fn a_kept_key_asks_again_with_the_same_key() {
    let request = KeyRequest::new().unwrap();
    let again = KeyRequest::parse(&request.secret_pem()).unwrap();
    assert_eq!(again.secret_pem(), request.secret_pem());
    let authority = fleet();
    let certificate = authority.sign(again.csr_pem(), &sidecar("a"), MEMBER_LIFETIME).unwrap();
    assert!(request.into_bundle(&certificate, authority.certificate_pem()).is_ok());
    assert!(KeyRequest::parse("no key").is_err());
}

#[test]
fn a_server_certificate_names_its_hosts_beside_its_member() {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let hosts = ["prepl-controller.prepl-system.svc".to_owned()];
    let name = Name::controller(&domain(), "c-1").unwrap();
    let bundle = fleet().issue_server(&name, &hosts, MEMBER_LIFETIME).unwrap();
    assert_eq!(bundle.name(), &name);
    let der = CertificateDer::from_pem_slice(bundle.secret_pem().as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert!(names.contains(&GeneralName::DNSName("prepl-controller.prepl-system.svc")));
}
