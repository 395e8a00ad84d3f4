//! A key of one's own that somebody else's authority is to certify.

use std::fmt;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};

use crate::bundle::{Bundle, BundleProblem};

/// The most bytes of a request in PEM that an authority reads; one with a P-256 key has some 400.
pub const MAX_REQUEST_BYTES: usize = 4096;

/// The text is no private key.
#[derive(Debug, thiserror::Error)]
#[error("the text is no private key in PEM; make another key")]
pub struct NotAKey;

/// No key could be made.
#[derive(Debug, thiserror::Error)]
#[error("no key could be made; try again")]
pub struct NoKey(#[from] rcgen::Error);

/// A fresh P-256 key and the PKCS#10 request (RFC 2986) that proves who holds it.
///
/// The request names nobody: whoever signs it decides on the name.
pub struct KeyRequest {
    key: KeyPair,
    request: String,
}

impl KeyRequest {
    /// Makes a key; it stays in memory.
    pub fn new() -> Result<Self, NoKey> {
        Self::of(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
    }

    /// Reads [`KeyRequest::secret_pem`].
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let key = KeyPair::from_pem(text).map_err(|_| NotAKey)?;
        Self::of(key).map_err(|_| NotAKey)
    }

    fn of(key: KeyPair) -> Result<Self, NoKey> {
        let request = CertificateParams::default().serialize_request(&key)?.pem()?;
        Ok(Self { key, request })
    }

    /// The request in PEM; it holds no secret.
    #[must_use]
    pub fn csr_pem(&self) -> &str {
        &self.request
    }

    /// The private key as PEM: keep it out of logs.
    #[must_use]
    pub fn secret_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The bundle of this key, once it is certified: both texts as the authority gave them.
    pub fn into_bundle(
        self,
        certificate: &str,
        authorities: &str,
    ) -> Result<Bundle, BundleProblem> {
        Bundle::parse(&(self.key.serialize_pem() + certificate.trim_end() + "\n" + authorities))
    }
}

impl fmt::Debug for KeyRequest {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.key.subject_public_key_info().len();
        f.debug_struct("KeyRequest").field("public_key_bytes", &size).finish_non_exhaustive()
    }
}
