//! Everything one member needs, in one PEM text.
//!
//! The text has, in this order:
//!
//! 1. the private key,
//! 2. the certificate chain: the member's own certificate, then intermediates, if any,
//! 3. the anchors: the authorities this member trusts, one or more.
//!
//! The anchors begin at the first certificate that is a CA certificate (`basicConstraints`) and
//! was issued by itself; from there on every certificate must be such a one. A change of authority
//! needs no more than both anchors in every file for a while.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, RootCertStore};

use crate::certificate::{self, CertificateProblem, Details};
use crate::file::{self, FileError};
use crate::name::Name;
use crate::sections::{PemProblem, Sections};
use crate::tls::provider;

/// What is wrong with the text of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleProblem {
    /// Not the PEM sections a bundle has.
    #[error(transparent)]
    Pem(#[from] PemProblem),
    /// No certificate before the first authority.
    #[error("it has no certificate of its own before the authorities; issue it again")]
    NoCertificate,
    /// No authority to trust.
    #[error("it has no authority to trust; add the fleet's CA certificate at the end")]
    NoAnchor,
    /// A certificate after the first authority is none itself.
    #[error(
        "certificate {0} stands after the first authority and is none itself; put authorities last"
    )]
    ChainAfterAnchors(usize),
    /// A certificate that is no authority where authorities alone belong.
    #[error("its first certificate is no authority; give the fleet's CA certificates alone")]
    ChainBeforeAnchors,
    /// A certificate is damaged or names nobody.
    #[error("certificate {position}: {problem}")]
    Certificate {
        /// Counted from 1 in the order of the text.
        position: usize,
        /// What is wrong with it.
        problem: CertificateProblem,
    },
    /// The key is damaged, of an unknown kind, or another certificate's.
    #[error("the private key does not belong to the first certificate; issue the bundle again")]
    WrongKey,
    /// The chain does not lead from the certificate to one of the anchors.
    #[error(
        "its certificate is of none of the authorities it trusts; issue the bundle again, or add \
         the authority that signed it"
    )]
    WrongAuthority,
}

/// Why a bundle file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, and is no bundle.
    #[error("{} is no usable bundle: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: BundleProblem,
    },
}

/// A member's key, certificate chain and trusted authorities; usable as it stands.
///
/// Its certificate is of one of its authorities. Dates and purposes are not checked here: an
/// expired bundle can be looked at, and handshakes refuse it.
#[derive(Clone)]
pub struct Bundle {
    text: String,
    details: Details,
    pub(crate) own: Arc<CertifiedKey>,
    pub(crate) anchors: Arc<RootCertStore>,
    pub(crate) clients: Arc<dyn ClientCertVerifier>,
}

impl Bundle {
    /// Reads a bundle from its PEM text.
    pub fn parse(text: &str) -> Result<Self, BundleProblem> {
        let Sections { key, mut certificates } = Sections::parse(text)?;
        let anchors = split_anchors(&mut certificates)?;
        let own = certificates.first().ok_or(BundleProblem::NoCertificate)?;
        let details = Details::of(own).map_err(at(0))?;
        let own = CertifiedKey::from_der(certificates, key, provider())
            .map_err(|_| BundleProblem::WrongKey)?;
        let clients = WebPkiClientVerifier::builder_with_provider(
            Arc::clone(&anchors),
            Arc::clone(provider()),
        );
        // It fails only when there is no anchor.
        let clients = clients.build().map_err(|_| BundleProblem::NoAnchor)?;
        check_authority(&own, &details, &anchors, &*clients)?;
        Ok(Self { text: text.to_owned(), details, own: Arc::new(own), anchors, clients })
    }

    /// Reads a bundle from a file that only its owner can read.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let text = file::read_private(path)?;
        Self::parse(&text)
            .map_err(|problem| BundleError::Content { path: path.to_owned(), problem })
    }

    /// Writes the bundle with mode 0600; readers see the old file or the new one.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        file::write_private(path, &self.text)
    }

    /// The same bundle that trusts more authorities, given as PEM.
    pub fn trusting(&self, authorities: &str) -> Result<Self, BundleProblem> {
        Self::parse(&format!("{}\n{authorities}", self.text.trim_end()))
    }

    /// Whom the bundle belongs to.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.details.name
    }

    /// The member's certificate for a human to read.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// The PEM text. It holds the private key: keep it out of logs.
    #[must_use]
    pub fn secret_pem(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Bundle {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("details", &self.details).finish_non_exhaustive()
    }
}

/// A member has a certificate for one side of a connection or for both, so both are tried.
fn check_authority(
    own: &CertifiedKey,
    details: &Details,
    anchors: &RootCertStore,
    clients: &dyn ClientCertVerifier,
) -> Result<(), BundleProblem> {
    let (first, chain) = own.cert.split_first().ok_or(BundleProblem::NoCertificate)?;
    let now = details.not_before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(now);
    let parsed = ParsedCertificate::try_from(first);
    let parsed = parsed.map_err(|_| at(0)(CertificateProblem::Unreadable))?;
    let algorithms = provider().signature_verification_algorithms.all;
    let server =
        verify_server_cert_signed_by_trust_anchor(&parsed, anchors, chain, now, algorithms);
    let client = clients.verify_client_cert(first, chain, now).map(|_| ());
    let foreign = [server, client].into_iter().any(|checked| checked.is_err_and(is_foreign));
    if foreign { Err(BundleProblem::WrongAuthority) } else { Ok(()) }
}

fn is_foreign(error: Error) -> bool {
    use CertificateError::{BadSignature, UnknownIssuer};
    matches!(error, Error::InvalidCertificate(BadSignature | UnknownIssuer))
}

/// The authorities of a PEM text that has nothing else.
pub(crate) fn anchors_of(text: &str) -> Result<Arc<RootCertStore>, BundleProblem> {
    let mut certificates = Sections::certificates(text)?;
    let anchors = split_anchors(&mut certificates)?;
    if certificates.is_empty() { Ok(anchors) } else { Err(BundleProblem::ChainBeforeAnchors) }
}

/// Takes the anchors from the end of the certificates and leaves the chain.
fn split_anchors(
    certificates: &mut Vec<CertificateDer<'static>>,
) -> Result<Arc<RootCertStore>, BundleProblem> {
    let mut start = certificates.len();
    let mut anchors = RootCertStore::empty();
    for (index, der) in certificates.iter().enumerate() {
        let certificate = certificate::read(der).map_err(at(index))?;
        if certificate::is_anchor(&certificate) {
            start = start.min(index);
            let unusable = |_| at(index)(CertificateProblem::Unreadable);
            anchors.add(der.clone()).map_err(unusable)?;
        } else if start < index {
            return Err(BundleProblem::ChainAfterAnchors(index + 1));
        }
    }
    certificates.truncate(start);
    if anchors.is_empty() { Err(BundleProblem::NoAnchor) } else { Ok(Arc::new(anchors)) }
}

fn at(index: usize) -> impl Fn(CertificateProblem) -> BundleProblem {
    move |problem| BundleProblem::Certificate { position: index + 1, problem }
}
