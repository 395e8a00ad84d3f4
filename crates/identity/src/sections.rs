//! The parts of a PEM text (RFC 7468).

use rustls::pki_types::pem::{self, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The most certificates one text may have.
pub const MAX_CERTIFICATES: usize = 32;

/// What is wrong with a PEM text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemProblem {
    /// A section is cut, or is no base64.
    #[error("a PEM section is damaged; copy the file again, whole")]
    Damaged,
    /// A section that is neither a certificate nor a private key.
    #[error("it has a PEM section other than CERTIFICATE and PRIVATE KEY; remove that section")]
    Foreign,
    /// No private key.
    #[error("it has no private key; issue it again or copy it whole")]
    NoKey,
    /// More than one private key.
    #[error("it has more than one private key; leave only the key of the first certificate")]
    ManyKeys,
    /// A private key where authorities alone belong.
    #[error("it has a private key where only certificates belong; take the key out")]
    UnwantedKey,
    /// More than [`MAX_CERTIFICATES`].
    #[error("it has more than {MAX_CERTIFICATES} certificates; remove authorities no longer used")]
    ManyCertificates,
}

type Keys = Vec<PrivateKeyDer<'static>>;

/// One private key and the certificates in the order of the text.
pub(crate) struct Sections {
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

impl Sections {
    pub(crate) fn parse(text: &str) -> Result<Self, PemProblem> {
        let (mut keys, certificates) = Self::read(text)?;
        let key = keys.pop().ok_or(PemProblem::NoKey)?;
        Ok(Self { key, certificates })
    }

    /// The certificates of a text that must hold no key.
    pub(crate) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, PemProblem> {
        match Self::read(text)? {
            (keys, certificates) if keys.is_empty() => Ok(certificates),
            _ => Err(PemProblem::UnwantedKey),
        }
    }

    fn read(text: &str) -> Result<(Keys, Vec<CertificateDer<'static>>), PemProblem> {
        let mut rest = text.as_bytes();
        let (mut keys, mut certificates) = (Vec::new(), Vec::new());
        while let Some((kind, der)) = pem::from_buf(&mut rest).map_err(|_| PemProblem::Damaged)? {
            match kind {
                SectionKind::Certificate => certificates.push(CertificateDer::from(der)),
                SectionKind::PrivateKey => keys.push(PrivateKeyDer::Pkcs8(der.into())),
                SectionKind::EcPrivateKey => keys.push(PrivateKeyDer::Sec1(der.into())),
                SectionKind::RsaPrivateKey => keys.push(PrivateKeyDer::Pkcs1(der.into())),
                _ => return Err(PemProblem::Foreign),
            }
            if certificates.len() > MAX_CERTIFICATES {
                return Err(PemProblem::ManyCertificates);
            }
            if keys.len() > 1 {
                return Err(PemProblem::ManyKeys);
            }
        }
        Ok((keys, certificates))
    }
}
