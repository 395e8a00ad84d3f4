//! Why a handshake failed, in words.

use std::io;
use std::time::{Duration, SystemTime};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

use crate::certificate::{CertificateProblem, utc};
use crate::expected::Expected;
use crate::name::{Name, TrustDomain};
use crate::verify::NameRefused;

/// Why no secure stream came about.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeFailed {
    /// A trusted peer, but another one.
    #[error("expected {expected}, got {got}; ask for the replicas again, one may be new")]
    WrongName {
        /// Who should have answered.
        expected: Box<Expected>,
        /// Who did.
        got: Box<Name>,
    },
    /// A trusted authority signed for another fleet.
    #[error("got {got}, which is not of the fleet {own}; check the authorities in the bundle")]
    OtherFleet {
        /// This side's fleet.
        own: TrustDomain,
        /// Who called.
        got: Box<Name>,
    },
    /// A trusted peer whose certificate names no member.
    #[error("the peer's certificate names no member of a fleet: {0}")]
    NoName(CertificateProblem),
    /// Signed by an authority that is not among the anchors.
    #[error(
        "the peer's certificate is of an authority unknown here; is it of the same fleet? compare the authorities of both bundles"
    )]
    UnknownAuthority,
    /// The certificate's time is over.
    #[error("the peer's certificate expired{0}; issue it again, or set the clocks right")]
    Expired(Since),
    /// The certificate's time has not begun.
    #[error("the peer's certificate is not valid yet{0}; set the clocks right")]
    NotYetValid(Since),
    /// The certificate is refused for another reason.
    #[error("the peer's certificate is refused ({0}); issue it again")]
    BadCertificate(String),
    /// The peer showed none.
    #[error("the peer showed no certificate; give it a bundle of this fleet")]
    NoCertificate,
    /// The peer ended the handshake and said why.
    #[error("the peer refused this side ({0}); compare both bundles, and read the peer's log")]
    RefusedByPeer(String),
    /// No TLS version, cipher or protocol in common.
    #[error("the peer does not speak TLS 1.3 with HTTP/2 as this side does; update it")]
    Incompatible,
    /// Bytes that are not TLS.
    #[error("the peer does not speak TLS; is it the right port?")]
    NotTls,
    /// The connection ended before the handshake did.
    #[error("the peer closed the connection during the handshake; read the peer's log")]
    Closed,
    /// Nothing, or too little, came in time.
    #[error("the handshake did not end within {0:?}; is the peer alive, and is it the right port?")]
    TimedOut(Duration),
    /// The connection broke.
    #[error("the connection broke during the handshake; try again")]
    Broken(#[source] io::Error),
    /// The handshake failed inside TLS in a way that has no name here.
    #[error("the handshake failed; try again")]
    Tls(#[source] Error),
}

/// A moment to put after a verb, when it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(Option<SystemTime>);

impl std::fmt::Display for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(moment) => write!(f, " ({})", utc(moment)),
            None => Ok(()),
        }
    }
}

impl From<UnixTime> for Since {
    fn from(moment: UnixTime) -> Self {
        Self(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(moment.as_secs())))
    }
}

impl From<io::Error> for HandshakeFailed {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Closed;
        }
        match error.downcast::<Error>() {
            Ok(tls) => tls.into(),
            Err(other) => Self::Broken(other),
        }
    }
}

impl From<Error> for HandshakeFailed {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCertificate(reason) => reason.into(),
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::AlertReceived(alert) => refused_by_peer(alert),
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::Incompatible,
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => Self::NotTls,
            other => Self::Tls(other),
        }
    }
}

impl From<CertificateError> for HandshakeFailed {
    fn from(reason: CertificateError) -> Self {
        match reason {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::Expired => Self::Expired(Since(None)),
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(not_after.into()),
            CertificateError::NotValidYet => Self::NotYetValid(Since(None)),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid(not_before.into())
            }
            CertificateError::Other(ref other) => match other.0.downcast_ref() {
                Some(refused) => NameRefused::clone(refused).into(),
                None => Self::BadCertificate(reason.to_string()),
            },
            other => Self::BadCertificate(other.to_string()),
        }
    }
}

impl From<NameRefused> for HandshakeFailed {
    fn from(refused: NameRefused) -> Self {
        match refused {
            NameRefused::Unnamed(problem) => Self::NoName(problem),
            NameRefused::Other { expected, got } => Self::WrongName { expected, got },
            NameRefused::OtherFleet { own, got } => Self::OtherFleet { own, got },
        }
    }
}

fn refused_by_peer(alert: AlertDescription) -> HandshakeFailed {
    let reason = match alert {
        AlertDescription::CertificateRequired => "it got no certificate",
        AlertDescription::UnknownCA => "it does not know this side's authority",
        AlertDescription::CertificateExpired => "this side's certificate expired",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "it does not accept this side's certificate",
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::NoApplicationProtocol => return HandshakeFailed::Incompatible,
        other => return HandshakeFailed::RefusedByPeer(format!("{other:?}")),
    };
    HandshakeFailed::RefusedByPeer(reason.to_owned())
}
