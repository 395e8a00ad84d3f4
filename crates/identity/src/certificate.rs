//! What this crate reads from an X.509 certificate.

use std::fmt;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::name::{Name, NameError};

/// Why a certificate names no member of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// Not an X.509 certificate in DER.
    #[error("it is not a readable X.509 certificate; issue it again")]
    Unreadable,
    /// No URI, or several, among the subject alternative names.
    #[error("it has {0} URI names where it must have exactly one; issue it again")]
    UriCount(usize),
    /// The URI is no [`Name`].
    #[error("its URI is no name of prepl: {0}")]
    BadName(NameError),
}

pub(crate) fn read(der: &[u8]) -> Result<X509Certificate<'_>, CertificateProblem> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(CertificateProblem::Unreadable),
    }
}

/// The one URI among the subject alternative names.
pub(crate) fn uri_of<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Result<&'a str, CertificateProblem> {
    let names =
        certificate.subject_alternative_name().map_err(|_| CertificateProblem::Unreadable)?;
    let general = names.map_or(&[][..], |names| &names.value.general_names[..]);
    let uris = || {
        general.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
    };
    let count = uris().count();
    uris().next().filter(|_| count == 1).ok_or(CertificateProblem::UriCount(count))
}

/// The member whom a certificate names.
pub(crate) fn name_of(der: &[u8]) -> Result<Name, CertificateProblem> {
    let certificate = read(der)?;
    uri_of(&certificate)?.parse().map_err(CertificateProblem::BadName)
}

/// For whom a certificate was made: its one common name.
pub(crate) fn person_of(der: &[u8]) -> Result<String, CertificateProblem> {
    let certificate = read(der)?;
    let mut names = certificate.subject().iter_common_name();
    let person = names.next().and_then(|name| name.as_str().ok());
    match (person, names.next()) {
        (Some(person), None) => Ok(person.to_owned()),
        _ => Err(CertificateProblem::Unreadable),
    }
}

/// When the time of a certificate is over.
pub(crate) fn end_of(der: &[u8]) -> Result<SystemTime, CertificateProblem> {
    Ok(moment(read(der)?.validity().not_after.timestamp()))
}

/// Whether a certificate is the root of a fleet: a CA certificate issued by itself.
pub(crate) fn is_anchor(certificate: &X509Certificate<'_>) -> bool {
    certificate.is_ca() && certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// A certificate for a human to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Whom it names.
    pub name: Name,
    /// The distinguished name of the authority that signed it.
    pub issuer: String,
    /// It is not valid before this moment.
    pub not_before: SystemTime,
    /// It is not valid after this moment.
    pub not_after: SystemTime,
}

impl Details {
    pub(crate) fn of(der: &[u8]) -> Result<Self, CertificateProblem> {
        let certificate = read(der)?;
        let validity = certificate.validity();
        Ok(Self {
            name: uri_of(&certificate)?.parse().map_err(CertificateProblem::BadName)?,
            issuer: certificate.issuer().to_string(),
            not_before: moment(validity.not_before.timestamp()),
            not_after: moment(validity.not_after.timestamp()),
        })
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (utc(self.not_before), utc(self.not_after));
        write!(f, "{}, valid from {from} until {until}, issued by {}", self.name, self.issuer)
    }
}

/// Seconds since 1970; what lies before counts as 1970.
fn moment(unix_seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_seconds).unwrap_or(0))
}

/// A moment in the form `2026-01-31T12:00:00Z` (RFC 3339).
pub(crate) fn utc(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{seconds} s after 1970"))
}
