//! A text that a member signed with the key of its certificate.

use std::time::SystemTime;

use rustls::SignatureScheme;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;
use webpki::ring::ECDSA_P256_SHA256;

use crate::bundle::Bundle;
use crate::certificate::{self, CertificateProblem};
use crate::failure::HandshakeFailed;
use crate::name::{Name, TrustDomain};

/// The most certificates of a chain that is looked at.
const MAX_CHAIN: usize = 4;
/// The most bytes of one certificate and of a signature.
const MAX_BYTES: usize = 16 << 10;

/// A signature (ECDSA, P-256, SHA-256) and the certificates that prove whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// ASN.1 in DER.
    pub bytes: Vec<u8>,
    /// The signer's certificate first, in DER.
    pub chain: Vec<Vec<u8>>,
}

/// The member that a certificate names, in DER; nobody has checked it.
#[must_use]
pub fn claimed_name(certificate: &[u8]) -> Option<Name> {
    let short = (certificate.len() <= MAX_BYTES).then_some(certificate)?;
    certificate::name_of(&CertificateDer::from(short)).ok()
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The member.
    pub name: Name,
    /// For whom the authority certified it (see [`crate::Authority::sign_for`]).
    pub person: String,
    /// When the time of the certificate is over.
    pub until: SystemTime,
}

/// Why a text was not signed.
#[derive(Debug, thiserror::Error)]
pub enum CannotSign {
    /// The key is of another kind.
    #[error("the key of the bundle is not of the curve P-256; issue the bundle again")]
    OtherKey,
    /// The key refused.
    #[error("the text could not be signed: {0}")]
    Refused(rustls::Error),
}

/// Why a signature proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// No certificate, or too many, or too long.
    #[error("it has no usable certificates")]
    Chain,
    /// The certificate is of a stranger, or its time is over.
    #[error("the certificate of whoever signed is not accepted: {0}")]
    Certificate(HandshakeFailed),
    /// The certificate names nobody.
    #[error("the certificate of whoever signed names nobody: {0}")]
    Unnamed(#[from] CertificateProblem),
    /// The certificate is of another fleet.
    #[error("{0} signed, who is not of the fleet {1}")]
    OtherFleet(Box<Name>, TrustDomain),
    /// The text or the signature was changed.
    #[error("the signature does not belong to the text")]
    Forged,
}

impl Bundle {
    /// Signs a text with the key of this bundle.
    pub fn sign(&self, text: &[u8]) -> Result<Signature, CannotSign> {
        let signer = self.own.key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
        let bytes = signer.ok_or(CannotSign::OtherKey)?.sign(text).map_err(CannotSign::Refused)?;
        let chain = self.own.cert.iter().map(|certificate| certificate.to_vec()).collect();
        Ok(Signature { bytes, chain })
    }

    /// Tells who signed a text: a member of this bundle's fleet, whose certificate is good `now`.
    pub fn signer(
        &self,
        text: &[u8],
        signature: &Signature,
        now: SystemTime,
    ) -> Result<Signer, NotSigned> {
        let sizes = signature.chain.iter().chain([&signature.bytes]).map(Vec::len);
        if signature.chain.len() > MAX_CHAIN || sizes.max().unwrap_or_default() > MAX_BYTES {
            return Err(NotSigned::Chain);
        }
        let chain: Vec<_> =
            signature.chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let (own, rest) = chain.split_first().ok_or(NotSigned::Chain)?;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let verified = self.clients.verify_client_cert(own, rest, UnixTime::since_unix_epoch(now));
        verified.map_err(|error| NotSigned::Certificate(error.into()))?;
        let parsed = EndEntityCert::try_from(own).map_err(|_| NotSigned::Chain)?;
        let genuine = parsed.verify_signature(ECDSA_P256_SHA256, text, &signature.bytes);
        genuine.map_err(|_| NotSigned::Forged)?;
        let name = certificate::name_of(own)?;
        if name.domain != self.name().domain {
            return Err(NotSigned::OtherFleet(Box::new(name), self.name().domain.clone()));
        }
        let (person, until) = (certificate::person_of(own)?, certificate::end_of(own)?);
        Ok(Signer { name, person, until })
    }
}
