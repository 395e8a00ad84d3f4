//! The rustls configurations: TLS 1.3 (RFC 8446), HTTP/2 by ALPN, both sides certified; who asks to
//! be certified alone has nothing to show.
//!
//! Sessions are not resumed: a resumed session would outlive the anchors that let it in.

use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use rustls::{ClientConfig, ConfigBuilder, ConfigSide, ServerConfig, WantsVerifier, WantsVersions};

use crate::credentials::Credentials;
use crate::verify::{FleetMember, OwnCertificate, Trust};

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

pub(crate) fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider()))
}

pub(crate) fn server_config(credentials: &Credentials) -> Arc<ServerConfig> {
    let mut config = tls13(ServerConfig::builder_with_provider(Arc::clone(provider())))
        .with_client_cert_verifier(Arc::new(FleetMember(credentials.clone())))
        .with_cert_resolver(Arc::new(OwnCertificate(credentials.clone())));
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

/// Answers callers that have no certificate: pods that want one, and webhook callers.
pub(crate) fn open_server_config(credentials: &Credentials) -> Arc<ServerConfig> {
    let mut config = tls13(ServerConfig::builder_with_provider(Arc::clone(provider())))
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(OwnCertificate(credentials.clone())));
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

/// The client's configuration but for the name it expects; to be cloned for each connection.
pub(crate) fn client_config(trust: &Trust, verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    let builder = tls13(ClientConfig::builder_with_provider(Arc::clone(provider())))
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match trust {
        Trust::Bundle(own) => {
            builder.with_client_cert_resolver(Arc::new(OwnCertificate(own.clone())))
        }
        Trust::Fixed(_) => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config
}

fn tls13<Side: ConfigSide>(
    builder: ConfigBuilder<Side, WantsVersions>,
) -> ConfigBuilder<Side, WantsVerifier> {
    #[expect(clippy::expect_used, reason = "ring has cipher suites for TLS 1.3")]
    builder.with_protocol_versions(&[&TLS13]).expect("TLS 1.3 is supported")
}
