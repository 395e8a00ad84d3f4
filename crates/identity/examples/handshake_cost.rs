//! Prints what a cold handshake costs, beside one of bare rustls with the same certificates.
//!
//! `cargo run --release -p prepl-identity --example handshake_cost`
#![allow(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prepl_identity::{Acceptor, Authority, Bundle, Connector, Credentials, MEMBER_LIFETIME, Name};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::duplex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

type Failure = Box<dyn Error>;

const ROUNDS: u32 = 500;
const REPEATS: usize = 7;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare())
}

async fn compare() -> Result<(), Failure> {
    let authority = Authority::create(&"cost.example".parse()?)?;
    let name = Name::sidecar(authority.domain(), "a")?;
    let bundle = authority.issue(&name, MEMBER_LIFETIME)?;
    let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
    // The best of several, in turns, so that a busy moment harms neither.
    for _ in 0..REPEATS {
        ours = ours.min(time_ours(&bundle, &name).await?);
        bare = bare.min(time_bare().await?);
    }
    println!("both sides of one handshake: {ours:?}, bare rustls {bare:?}");
    println!("ratio {:.2}", ours.as_secs_f64() / bare.as_secs_f64());
    Ok(())
}

async fn time_ours(bundle: &Bundle, name: &Name) -> Result<Duration, Failure> {
    let credentials = Credentials::fixed(bundle.clone());
    let (connector, acceptor) = (Connector::new(&credentials), Acceptor::new(&credentials));
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let (near, far) = duplex(64 * 1024);
        tokio::try_join!(connector.connect(near, name), acceptor.accept(far))?;
    }
    Ok(start.elapsed() / ROUNDS)
}

async fn time_bare() -> Result<Duration, Failure> {
    let (connector, acceptor) = bare()?;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let (near, far) = duplex(64 * 1024);
        let name = ServerName::try_from("localhost")?;
        tokio::try_join!(connector.connect(name, near), acceptor.accept(far))?;
    }
    Ok(start.elapsed() / ROUNDS)
}

/// Mutual TLS 1.3 as rustls gives it, with a DNS name in the server's certificate.
fn bare() -> Result<(TlsConnector, TlsAcceptor), Failure> {
    let (chain, key, roots) = dns_certificate()?;
    let provider = Arc::new(ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain.clone(), key.clone_key())?;
    client.resumption = Resumption::disabled();
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(clients.build()?)
        .with_single_cert(chain, key)?;
    server.send_tls13_tickets = 0;
    Ok((Arc::new(client).into(), Arc::new(server).into()))
}

type Certified = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, Arc<RootCertStore>);

/// A P-256 certificate for `localhost`, its key, and its root.
fn dns_certificate() -> Result<Certified, Failure> {
    let (root_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let mut roots = RootCertStore::empty();
    roots.add(root.self_signed(&root_key)?.der().clone())?;
    let issuer = Issuer::new(root, root_key);
    let own = CertificateParams::new([String::from("localhost")])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((vec![own.der().clone()], key, Arc::new(roots)))
}
