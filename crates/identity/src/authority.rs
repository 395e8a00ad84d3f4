//! The fleet's certificate authority, which issues bundles.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::bundle::{Bundle, BundleProblem};
use crate::certificate;
use crate::file::{self, FileError};
use crate::key_request::MAX_REQUEST_BYTES;
use crate::name::{Name, TrustDomain};
use crate::sections::{PemProblem, Sections};

/// Common name of a certificate that is nobody's in person.
const MEMBER: &str = "prepl";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a new authority is valid: ten years of 365 days.
///
/// Its end would stop the whole fleet, so it lies beyond the life of most machines.
pub const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * DAY.as_secs());

/// How long a sidecar's or a gateway's certificate is valid on a plain machine: 365 days.
///
/// There somebody replaces it by hand; who replaces by machine asks for hours.
pub const MEMBER_LIFETIME: Duration = Duration::from_secs(365 * DAY.as_secs());

/// How long a user's certificate is valid: 30 days, as no list of revoked ones is kept.
pub const USER_LIFETIME: Duration = Duration::from_secs(30 * DAY.as_secs());

/// How far back a certificate's validity begins, for peers whose clocks are slow: 5 minutes.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// What is wrong with the text of an authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityProblem {
    /// Not one key and one certificate.
    #[error(transparent)]
    Pem(#[from] PemProblem),
    /// No certificate, or several.
    #[error("it has {0} certificates where it must have one; leave only the CA certificate")]
    CertificateCount(usize),
    /// The certificate is no self-issued CA certificate.
    #[error("its certificate is no CA certificate issued by itself; name the authority's file")]
    NotAuthority,
    /// The certificate names no fleet.
    #[error(
        "its certificate has no URI of the form spiffe://DOMAIN; create the authority with prepl"
    )]
    NoDomain,
    /// The key is damaged, of an unknown kind, or another certificate's.
    #[error("its private key does not belong to its certificate; restore both from one copy")]
    WrongKey,
}

/// Why an authority's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, and is no authority.
    #[error("{} is no usable authority: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: AuthorityProblem,
    },
}

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The name is of another fleet.
    #[error("{name} is not of the fleet {domain}; ask for a name of this fleet")]
    OtherFleet {
        /// The name asked for.
        name: Box<Name>,
        /// The authority's fleet.
        domain: TrustDomain,
    },
    /// The authority's own certificate has expired.
    #[error("the authority expired at {0}; create a new one and add it to every bundle")]
    AuthorityExpired(String),
    /// What should be certified is no request, or its signature is not of its own key.
    #[error(
        "the certificate request cannot be read, or is not signed by its own key; make another"
    )]
    BadRequest,
    /// The key could not be made, or the certificate not be signed.
    #[error("the certificate could not be made; try again")]
    Signing(#[from] rcgen::Error),
    /// What was issued is no bundle.
    #[error("the certificate was made and is no usable bundle: {0}")]
    Unusable(#[from] BundleProblem),
}

/// A fleet's certificate authority: whoever holds it administers the fleet.
pub struct Authority {
    domain: TrustDomain,
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    not_after: OffsetDateTime,
}

impl Authority {
    /// Creates the authority of a new fleet, with a fresh P-256 key.
    pub fn create(domain: &TrustDomain) -> Result<Self, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.not_before = back_dated();
        params.not_after = OffsetDateTime::now_utc() + AUTHORITY_LIFETIME;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name =
            common_name(authority_name(domain, &params.key_identifier(&key)));
        params.subject_alt_names = vec![SanType::URI(domain.uri().try_into()?)];
        let certificate = params.self_signed(&key)?.pem();
        let not_after = params.not_after;
        let issuer = Issuer::new(params, key);
        Ok(Self { domain: domain.clone(), issuer, certificate, not_after })
    }

    /// Reads an authority from the PEM text of its key and its certificate.
    pub fn parse(text: &str) -> Result<Self, AuthorityProblem> {
        let Sections { key, certificates } = Sections::parse(text)?;
        let [der] = &certificates[..] else {
            return Err(AuthorityProblem::CertificateCount(certificates.len()));
        };
        let key = KeyPair::try_from(&key).map_err(|_| AuthorityProblem::WrongKey)?;
        let (domain, not_after) = examine(der, &key)?;
        let certificate = certificate_section(text)?;
        let issuer =
            Issuer::from_ca_cert_der(der, key).map_err(|_| AuthorityProblem::NotAuthority)?;
        Ok(Self { domain, issuer, certificate, not_after })
    }

    /// Reads an authority from a file that only its owner can read.
    pub fn read(path: &Path) -> Result<Self, AuthorityError> {
        let text = file::read_private(path)?;
        Self::parse(&text)
            .map_err(|problem| AuthorityError::Content { path: path.to_owned(), problem })
    }

    /// Writes key and certificate with mode 0600; readers see the old file or the new one.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        file::write_private(path, &self.secret_pem())
    }

    /// Key and certificate as PEM. It holds the private key: keep it out of logs.
    #[must_use]
    pub fn secret_pem(&self) -> String {
        self.issuer.key().serialize_pem() + &self.certificate
    }

    /// The certificate alone as PEM: what members need to trust this authority.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The fleet.
    #[must_use]
    pub fn domain(&self) -> &TrustDomain {
        &self.domain
    }

    /// When the authority itself ends.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after.into()
    }

    /// Issues a bundle with a fresh P-256 key, valid from [`CLOCK_SKEW`] ago for `lifetime` on.
    ///
    /// A lifetime beyond the authority's own end is cut to it. The serial number is the hash of
    /// the fresh public key (rcgen), so it is as hard to guess as the key.
    pub fn issue(&self, name: &Name, lifetime: Duration) -> Result<Bundle, IssueError> {
        self.issue_server(name, &[], lifetime)
    }

    /// As [`Authority::issue`], and the certificate names DNS names too.
    ///
    /// For callers that are no members and compare host names, such as Kubernetes with webhooks.
    pub fn issue_server(
        &self,
        name: &Name,
        dns: &[String],
        lifetime: Duration,
    ) -> Result<Bundle, IssueError> {
        self.check(name)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = self.member(name, lifetime)?;
        for host in dns {
            params.subject_alt_names.push(SanType::DnsName(host.as_str().try_into()?));
        }
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Bundle::parse(&(key.serialize_pem() + &certificate + &self.certificate))?)
    }

    /// Certifies the key of a PKCS#10 request in PEM (RFC 2986), valid from [`CLOCK_SKEW`] ago on.
    ///
    /// The request's own signature proves that whoever asks holds the key; nothing but the public
    /// key is taken from it. A lifetime beyond the authority's own end is cut to it.
    pub fn sign(
        &self,
        request: &str,
        name: &Name,
        lifetime: Duration,
    ) -> Result<String, IssueError> {
        self.sign_for(request, name, MEMBER, lifetime)
    }

    /// As [`Authority::sign`], and the certificate tells for whom: see [`crate::Signer`].
    pub fn sign_for(
        &self,
        request: &str,
        name: &Name,
        person: &str,
        lifetime: Duration,
    ) -> Result<String, IssueError> {
        self.check(name)?;
        if request.len() > MAX_REQUEST_BYTES {
            return Err(IssueError::BadRequest);
        }
        let request = CertificateSigningRequestParams::from_pem(request);
        let key = request.map_err(|_| IssueError::BadRequest)?.public_key;
        let mut params = self.member(name, lifetime)?;
        params.distinguished_name = common_name(person.to_owned());
        Ok(params.signed_by(&key, &self.issuer)?.pem())
    }

    fn member(&self, name: &Name, lifetime: Duration) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.not_before = back_dated();
        params.not_after = self.end_after(lifetime);
        params.distinguished_name = common_name(String::from(MEMBER));
        params.subject_alt_names = vec![SanType::URI(name.to_string().try_into()?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn check(&self, name: &Name) -> Result<(), IssueError> {
        if name.domain != self.domain {
            let (name, domain) = (Box::new(name.clone()), self.domain.clone());
            return Err(IssueError::OtherFleet { name, domain });
        }
        if self.not_after <= OffsetDateTime::now_utc() {
            let end = certificate::utc(SystemTime::from(self.not_after));
            return Err(IssueError::AuthorityExpired(end));
        }
        Ok(())
    }

    fn end_after(&self, lifetime: Duration) -> OffsetDateTime {
        let lifetime = time::Duration::try_from(lifetime).unwrap_or(time::Duration::MAX);
        OffsetDateTime::now_utc().saturating_add(lifetime).min(self.not_after)
    }
}

impl fmt::Debug for Authority {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("domain", &self.domain).finish_non_exhaustive()
    }
}

fn back_dated() -> OffsetDateTime {
    OffsetDateTime::now_utc() - CLOCK_SKEW
}

/// Names an authority by its key too: two with one name would be told apart only by a signature
/// that does not fit, and the peer could not say "unknown authority".
fn authority_name(domain: &TrustDomain, key_identifier: &[u8]) -> String {
    let digits: String = key_identifier.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("prepl fleet {domain} {digits}")
}

fn common_name(text: String) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// The fleet and the end of a CA certificate that belongs to the key.
fn examine(
    der: &CertificateDer<'_>,
    key: &KeyPair,
) -> Result<(TrustDomain, OffsetDateTime), AuthorityProblem> {
    let certificate = certificate::read(der).map_err(|_| AuthorityProblem::NotAuthority)?;
    if !certificate::is_anchor(&certificate) {
        return Err(AuthorityProblem::NotAuthority);
    }
    if key.subject_public_key_info() != certificate.public_key().raw {
        return Err(AuthorityProblem::WrongKey);
    }
    let uri = certificate::uri_of(&certificate).map_err(|_| AuthorityProblem::NoDomain)?;
    let domain = TrustDomain::from_uri(uri).map_err(|_| AuthorityProblem::NoDomain)?;
    Ok((domain, certificate.validity().not_after.to_datetime()))
}

/// The PEM section of the only certificate in a text.
fn certificate_section(text: &str) -> Result<String, AuthorityProblem> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    text.split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(body, _)| format!("{BEGIN}{body}{END}\n"))
        .ok_or(AuthorityProblem::CertificateCount(0))
}
