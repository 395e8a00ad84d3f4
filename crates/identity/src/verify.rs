//! What is demanded of the other side's certificate.
//!
//! First the chain: signed by an anchor, in its time, for its purpose (WebPKI). Then the name in
//! it. Addresses and DNS names play no part. The anchors are read anew at every handshake.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::certificate::{self, CertificateProblem};
use crate::credentials::Credentials;
use crate::expected::Expected;
use crate::name::{Name, TrustDomain};
use crate::tls::provider;

/// Why a certificate of a trusted authority is refused all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameRefused {
    #[error("the certificate names no member of a fleet: {0}")]
    Unnamed(CertificateProblem),
    #[error("the certificate names {got}, not {expected}")]
    Other { expected: Box<Expected>, got: Box<Name> },
    #[error("the certificate names {got}, which is not of the fleet {own}")]
    OtherFleet { own: TrustDomain, got: Box<Name> },
}

impl From<NameRefused> for Error {
    fn from(refused: NameRefused) -> Self {
        CertificateError::Other(OtherError(Arc::new(refused))).into()
    }
}

/// Shows the certificate of the bundle in use.
#[derive(Debug)]
pub(crate) struct OwnCertificate(pub(crate) Credentials);

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().own))
    }
}

impl ResolvesClientCert for OwnCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().own))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Lets in every member of the own fleet; what a member may do is decided elsewhere.
#[derive(Debug)]
pub(crate) struct FleetMember(pub(crate) Credentials);

impl ClientCertVerifier for FleetMember {
    /// None: the anchors change, and members have one certificate to choose from.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bundle = self.0.current();
        let verified = bundle.clients.verify_client_cert(own, chain, now)?;
        let got = certificate::name_of(own).map_err(NameRefused::Unnamed)?;
        if got.domain != bundle.name().domain {
            let own = bundle.name().domain.clone();
            return Err(NameRefused::OtherFleet { own, got: Box::new(got) }.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The authorities that a caller trusts.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// Those of the bundle in use.
    Bundle(Credentials),
    /// Those it was given; it has no bundle.
    Fixed(Arc<RootCertStore>),
}

impl Trust {
    fn anchors(&self) -> Arc<RootCertStore> {
        match self {
            Self::Bundle(credentials) => Arc::clone(&credentials.current().anchors),
            Self::Fixed(anchors) => Arc::clone(anchors),
        }
    }
}

/// Accepts whom the caller expects only.
#[derive(Debug)]
pub(crate) struct ExpectedName {
    pub(crate) trust: Trust,
    pub(crate) expected: Expected,
}

impl ServerCertVerifier for ExpectedName {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let anchors = self.trust.anchors();
        let algorithms = provider().signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(own)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &anchors, chain, now, algorithms)?;
        let got = certificate::name_of(own).map_err(NameRefused::Unnamed)?;
        if !self.expected.admits(&got) {
            let expected = Box::new(self.expected.clone());
            return Err(NameRefused::Other { expected, got: Box::new(got) }.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
