//! Real handshakes over loopback: who gets in, and in which words the others do not.

use std::sync::Arc;

use crate::common::{
    self, credentials, domain, fleet, forged_credentials, gateway, shake, sidecar, sockets, talk,
    uri,
};
use prepl_identity::{
    Acceptor, Authority, CertificateProblem, Connector, Expected, HandshakeFailed, Name, NameError,
    Role,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;

#[tokio::test]
async fn both_sides_learn_each_others_name_and_talk() {
    let authority = fleet();
    let user = Name::user(&domain(), Role::Admin, "ann").unwrap();
    for caller in [gateway(), user, sidecar("b")] {
        let (near, far) = shake(
            &credentials(&authority, &caller),
            &credentials(&authority, &sidecar("a")),
            &sidecar("a"),
        )
        .await;
        let (mut near, mut far) = (near.unwrap(), far.unwrap());
        assert_eq!(near.peer(), &sidecar("a"));
        assert_eq!(far.peer(), &caller);
        talk(&mut near, &mut far).await;
    }
}

#[tokio::test]
async fn another_replica_than_expected_is_refused_by_name() {
    let authority = fleet();
    let answerer = credentials(&authority, &sidecar("new"));
    let (near, far) = shake(&credentials(&authority, &gateway()), &answerer, &sidecar("old")).await;
    let error = near.unwrap_err();
    assert!(
        matches!(&error, HandshakeFailed::WrongName { expected, got }
            if **expected == Expected::Exactly(sidecar("old")) && **got == sidecar("new")),
        "{error:?}"
    );
    assert!(matches!(far.unwrap_err(), HandshakeFailed::RefusedByPeer(_)));
}

#[tokio::test]
async fn a_gateway_is_not_taken_for_the_sidecar_of_the_same_name() {
    let authority = fleet();
    let both = credentials(&authority, &gateway());
    let (near, _) = shake(&both, &both, &sidecar("main")).await;
    assert!(matches!(near.unwrap_err(), HandshakeFailed::WrongName { .. }));
}

#[tokio::test]
async fn an_answerer_of_another_authority_is_unknown() {
    let answerer = credentials(&fleet(), &sidecar("a"));
    let (near, far) = shake(&credentials(&fleet(), &gateway()), &answerer, &sidecar("a")).await;
    assert!(matches!(near.unwrap_err(), HandshakeFailed::UnknownAuthority));
    let refused = far.unwrap_err().to_string();
    assert!(refused.contains("does not know this side's authority"), "{refused}");
}

#[tokio::test]
async fn a_caller_of_another_authority_is_unknown_and_learns_it_at_its_first_read() {
    let (authority, other) = (fleet(), fleet());
    let trusting = common::bundle(&other, &gateway()).trusting(authority.certificate_pem());
    let caller = prepl_identity::Credentials::fixed(trusting.unwrap());
    let answerer = credentials(&authority, &sidecar("a"));
    let (near, far) = shake(&caller, &answerer, &sidecar("a")).await;
    assert!(matches!(far.unwrap_err(), HandshakeFailed::UnknownAuthority));
    let error = near.unwrap().read_u8().await.unwrap_err();
    assert!(error.to_string().contains("does not know this side's authority"), "{error}");
    let inner = error.get_ref().unwrap().downcast_ref::<HandshakeFailed>();
    assert!(matches!(inner, Some(HandshakeFailed::RefusedByPeer(_))));
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_on_both_sides() {
    let authority = fleet();
    let late = |uid: &'static str| {
        forged_credentials(&authority, move |params| {
            params.subject_alt_names = vec![uri(&sidecar(uid).to_string())];
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        })
    };
    let good = credentials(&authority, &gateway());
    let (near, _) = shake(&good, &late("a"), &sidecar("a")).await;
    let error = near.unwrap_err();
    assert!(matches!(error, HandshakeFailed::Expired(_)), "{error:?}");
    assert!(error.to_string().contains("expired (2002-01-01T00:00:00Z)"), "{error}");
    let (_, far) = shake(&late("a"), &good, &gateway()).await;
    assert!(matches!(far.unwrap_err(), HandshakeFailed::Expired(_)));

    let early = forged_credentials(&authority, |params| {
        params.not_before = rcgen::date_time_ymd(4000, 1, 1);
        params.not_after = rcgen::date_time_ymd(4001, 1, 1);
    });
    let (near, _) = shake(&good, &early, &sidecar("a")).await;
    assert!(matches!(near.unwrap_err(), HandshakeFailed::NotYetValid(_)));
}

#[tokio::test]
async fn a_caller_whom_the_authority_signed_for_another_fleet_is_refused() {
    let authority = fleet();
    let stray = Name::gateway(&"other.example".parse().unwrap(), "main").unwrap();
    let caller = forged_credentials(&authority, |params| {
        params.subject_alt_names = vec![uri(&stray.to_string())];
    });
    let answerer = credentials(&authority, &sidecar("a"));
    let (_, far) = shake(&caller, &answerer, &sidecar("a")).await;
    let error = far.unwrap_err();
    assert!(matches!(&error, HandshakeFailed::OtherFleet { got, .. } if **got == stray));
}

#[tokio::test]
async fn a_member_certificate_cannot_sign_others() {
    let authority = fleet();
    let member = common::bundle(&authority, &sidecar("evil"));
    let pem = member.secret_pem();
    let key = rcgen::KeyPair::from_pem(pem).unwrap();
    let own = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(&own, key).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.subject_alt_names = vec![uri(&gateway().to_string())];
    let forged_key = rcgen::KeyPair::generate().unwrap();
    let forged = params.signed_by(&forged_key, &issuer).unwrap().pem();
    let chain = &pem[pem.find("-----BEGIN CERT").unwrap()..];
    let text = forged_key.serialize_pem() + &forged + chain;
    let caller = prepl_identity::Credentials::fixed(prepl_identity::Bundle::parse(&text).unwrap());
    let answerer = credentials(&authority, &sidecar("a"));
    let (_, far) = shake(&caller, &answerer, &sidecar("a")).await;
    assert!(far.is_err(), "a member has signed a gateway");
}

/// A rustls client that trusts the authority and is not built by this crate.
fn foreign_client(
    authority: &Authority,
    version: &'static rustls::SupportedProtocolVersion,
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let pem = authority.certificate_pem().as_bytes();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.dangerous().set_certificate_verifier(Arc::new(common::Gullible));
    Arc::new(config).into()
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused() {
    let authority = fleet();
    let acceptor = Acceptor::new(&credentials(&authority, &sidecar("a")));
    let (near, far) = sockets().await;
    let client = foreign_client(&authority, &rustls::version::TLS13);
    let name = ServerName::try_from("localhost").unwrap();
    let (_, far) = tokio::join!(client.connect(name, near), acceptor.accept(far));
    assert!(matches!(far.unwrap_err(), HandshakeFailed::NoCertificate));
}

#[tokio::test]
async fn a_caller_that_only_speaks_tls_1_2_is_refused() {
    let authority = fleet();
    let acceptor = Acceptor::new(&credentials(&authority, &sidecar("a")));
    let (near, far) = sockets().await;
    let client = foreign_client(&authority, &rustls::version::TLS12);
    let name = ServerName::try_from("localhost").unwrap();
    let (near, far) = tokio::join!(client.connect(name, near), acceptor.accept(far));
    assert!(near.is_err());
    assert!(matches!(far.unwrap_err(), HandshakeFailed::Incompatible));
}

#[tokio::test]
async fn a_peer_that_speaks_plain_text_or_noise_is_told_apart_from_tls() {
    let own = credentials(&fleet(), &sidecar("a"));
    let noise: Vec<u8> =
        (0..2048_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
    for bytes in [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), noise, vec![0x16; 4096]] {
        let (mut peer, far) = sockets().await;
        peer.write_all(&bytes).await.unwrap();
        let error = Acceptor::new(&own).accept(far).await.unwrap_err();
        assert!(matches!(error, HandshakeFailed::NotTls), "{error:?}");

        let (near, mut peer) = sockets().await;
        peer.write_all(&bytes).await.unwrap();
        let error = Connector::new(&own).connect(near, &sidecar("a")).await.unwrap_err();
        assert!(matches!(error, HandshakeFailed::NotTls), "{error:?}");
    }
}

#[tokio::test]
async fn a_peer_that_leaves_is_told_apart_from_one_that_errs() {
    let own = credentials(&fleet(), &sidecar("a"));
    let (peer, far) = sockets().await;
    drop(peer);
    assert!(matches!(Acceptor::new(&own).accept(far).await, Err(HandshakeFailed::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_ends_at_the_time_out_on_both_sides() {
    let own = credentials(&fleet(), &sidecar("a"));
    let (near, _silent) = duplex(64 * 1024);
    let error = Connector::new(&own).connect(near, &sidecar("a")).await.unwrap_err();
    assert!(matches!(error, HandshakeFailed::TimedOut(prepl_identity::HANDSHAKE_TIMEOUT)));

    let half_second = std::time::Duration::from_millis(500);
    let (far, mut slow) = duplex(64 * 1024);
    // The head of a record that never comes whole.
    slow.write_all(&[0x16, 0x03, 0x01, 0x10, 0x00]).await.unwrap();
    let acceptor = Acceptor::new(&own).with_timeout(half_second);
    let error = acceptor.accept(far).await.unwrap_err();
    assert!(matches!(error, HandshakeFailed::TimedOut(after) if after == half_second));
}

#[tokio::test]
async fn a_trusted_certificate_without_a_usable_name_is_refused() {
    let authority = fleet();
    let (near, far) = sockets().await;
    let answerer = common::raw_server(&authority, "spiffe://shop.example/pod/a");
    let connector = Connector::new(&credentials(&authority, &gateway()));
    let name = sidecar("a");
    let (near, _) = tokio::join!(connector.connect(near, &name), answerer.accept(far));
    let reason = CertificateProblem::BadName(NameError::BadPath);
    assert!(matches!(near.unwrap_err(), HandshakeFailed::NoName(seen) if seen == reason));
}

#[tokio::test]
async fn both_sides_agree_on_http_2() {
    let authority = fleet();
    let (near, far) = sockets().await;
    let answerer = common::raw_server(&authority, &sidecar("a").to_string());
    let connector = Connector::new(&credentials(&authority, &gateway()));
    let name = sidecar("a");
    let (near, far) = tokio::join!(connector.connect(near, &name), answerer.accept(far));
    near.unwrap();
    assert_eq!(far.unwrap().get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
}
