//! Who somebody is, as a URI: `spiffe://<trust domain>/sidecar/<pod uid>` and its like.
//!
//! The form is a subset of SPIFFE ID
//! (<https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md>): no percent-encoding, no
//! port, no query, no empty or dot segments, so that one name has one spelling.

use std::fmt;
use std::str::FromStr;

/// The most bytes a name has as a URI.
///
/// 9 (`spiffe://`) + 253 (domain) and the longest path, `/access/` (8) with three parts of 128 and
/// two slashes: 656, rounded up.
pub const MAX_NAME_BYTES: usize = 768;

const SCHEME: &str = "spiffe://";
const MAX_DOMAIN_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;
const MAX_PART_BYTES: usize = 128;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// More than [`MAX_NAME_BYTES`].
    #[error("the name is longer than {MAX_NAME_BYTES} bytes; use a shorter one")]
    TooLong,
    /// Another scheme, or no URI.
    #[error("the name does not begin with spiffe://; write spiffe://DOMAIN/KIND/NAME")]
    NotSpiffe,
    /// The trust domain has a character or length that is not allowed.
    #[error(
        "the trust domain is not a lowercase DNS name; use a-z, 0-9, '-' and '.', at most 253 bytes"
    )]
    BadDomain,
    /// The path is none of those known.
    #[error(
        "the path of the name is none of /sidecar/UID, /gateway/NAME, /controller/NAME, /user/ROLE/NAME and /access/NAMESPACE/NAME/UID; write one of them"
    )]
    BadPath,
    /// The role is unknown.
    #[error("the role is none of viewer, evaluator and admin; write one of them")]
    BadRole,
    /// A part has a character or length that is not allowed.
    #[error("a part of the name is not 1 to 128 of a-z, A-Z, 0-9, '.', '-' and '_'; rename it")]
    BadPart,
}

/// The fleet a name belongs to: a lowercase DNS-like name of 1 to 253 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI of the fleet itself, which stands in its CA certificate.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{SCHEME}{}", self.0)
    }

    /// Reads [`TrustDomain::uri`].
    pub(crate) fn from_uri(uri: &str) -> Result<Self, NameError> {
        uri.strip_prefix(SCHEME).ok_or(NameError::NotSpiffe)?.parse()
    }
}

impl FromStr for TrustDomain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let good = text.len() <= MAX_DOMAIN_BYTES && text.split('.').all(is_label);
        if good { Ok(Self(text.to_owned())) } else { Err(NameError::BadDomain) }
    }
}

fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One free part of a name: 1 to 128 of `a-z A-Z 0-9 . - _`, and neither `.` nor `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part(String);

impl Part {
    /// The part as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Part {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let good = (1..=MAX_PART_BYTES).contains(&text.len())
            && text.bytes().all(allowed)
            && !matches!(text, "." | "..");
        if good { Ok(Self(text.to_owned())) } else { Err(NameError::BadPart) }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a user of a local fleet may do at most, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May look.
    Viewer,
    /// May evaluate.
    Evaluator,
    /// May do everything.
    Admin,
}

impl Role {
    /// The role as it stands in a name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Evaluator => "evaluator",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "evaluator" => Ok(Self::Evaluator),
            "admin" => Ok(Self::Admin),
            _ => Err(NameError::BadRole),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What holds a certificate, within its fleet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The sidecar of one pod, by the pod's UID.
    Sidecar {
        /// The replica's UID.
        uid: Part,
    },
    /// A gateway.
    Gateway {
        /// The gateway's name.
        name: Part,
    },
    /// The controller of a cluster, which certifies the others.
    Controller {
        /// The controller's name.
        name: Part,
    },
    /// Who holds the key of one access request in a cluster, for as long as the request lives.
    Access {
        /// The request's namespace.
        namespace: Part,
        /// The request's name.
        name: Part,
        /// The request's UID, so that a later request of the same name is another.
        uid: Part,
    },
    /// A person or a machine that uses prepl.
    User {
        /// What the user may do at most.
        role: Role,
        /// The user's name.
        name: Part,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sidecar { uid } => write!(f, "sidecar/{uid}"),
            Self::Gateway { name } => write!(f, "gateway/{name}"),
            Self::Controller { name } => write!(f, "controller/{name}"),
            Self::Access { namespace, name, uid } => write!(f, "access/{namespace}/{name}/{uid}"),
            Self::User { role, name } => write!(f, "user/{role}/{name}"),
        }
    }
}

impl FromStr for Holder {
    type Err = NameError;

    fn from_str(path: &str) -> Result<Self, NameError> {
        match path.split_once('/').ok_or(NameError::BadPath)? {
            ("sidecar", uid) => Ok(Self::Sidecar { uid: uid.parse()? }),
            ("gateway", name) => Ok(Self::Gateway { name: name.parse()? }),
            ("controller", name) => Ok(Self::Controller { name: name.parse()? }),
            ("access", rest) => {
                let (namespace, rest) = rest.split_once('/').ok_or(NameError::BadPath)?;
                let (name, uid) = rest.split_once('/').ok_or(NameError::BadPath)?;
                let (namespace, name) = (namespace.parse()?, name.parse()?);
                Ok(Self::Access { namespace, name, uid: uid.parse()? })
            }
            ("user", rest) => {
                let (role, name) = rest.split_once('/').ok_or(NameError::BadPath)?;
                Ok(Self::User { role: role.parse()?, name: name.parse()? })
            }
            _ => Err(NameError::BadPath),
        }
    }
}

/// A member of a fleet; printed and parsed as its URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The fleet.
    pub domain: TrustDomain,
    /// The member within the fleet.
    pub holder: Holder,
}

impl Name {
    /// The name of a pod's sidecar. Fails when `uid` is no [`Part`].
    pub fn sidecar(domain: &TrustDomain, uid: &str) -> Result<Self, NameError> {
        let holder = Holder::Sidecar { uid: uid.parse()? };
        Ok(Self { domain: domain.clone(), holder })
    }

    /// The name of a gateway. Fails when `name` is no [`Part`].
    pub fn gateway(domain: &TrustDomain, name: &str) -> Result<Self, NameError> {
        let holder = Holder::Gateway { name: name.parse()? };
        Ok(Self { domain: domain.clone(), holder })
    }

    /// The name of a controller. Fails when `name` is no [`Part`].
    pub fn controller(domain: &TrustDomain, name: &str) -> Result<Self, NameError> {
        let holder = Holder::Controller { name: name.parse()? };
        Ok(Self { domain: domain.clone(), holder })
    }

    /// The name of an access request's holder. Fails when one of the three is no [`Part`].
    pub fn access(
        domain: &TrustDomain,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<Self, NameError> {
        let (namespace, name) = (namespace.parse()?, name.parse()?);
        let holder = Holder::Access { namespace, name, uid: uid.parse()? };
        Ok(Self { domain: domain.clone(), holder })
    }

    /// The name of a user. Fails when `name` is no [`Part`].
    pub fn user(domain: &TrustDomain, role: Role, name: &str) -> Result<Self, NameError> {
        let holder = Holder::User { role, name: name.parse()? };
        Ok(Self { domain: domain.clone(), holder })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.domain, self.holder)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(uri: &str) -> Result<Self, NameError> {
        if uri.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        let rest = uri.strip_prefix(SCHEME).ok_or(NameError::NotSpiffe)?;
        let (domain, path) = rest.split_once('/').ok_or(NameError::BadPath)?;
        Ok(Self { domain: domain.parse()?, holder: path.parse()? })
    }
}
