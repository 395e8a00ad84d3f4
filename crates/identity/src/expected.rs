//! Whom a caller expects at the other end.

use std::fmt;

use crate::name::{Holder, Name, TrustDomain};

/// Whom a caller expects at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// One member only.
    Exactly(Name),
    /// Any gateway of a fleet.
    Gateway(TrustDomain),
    /// Any controller of a fleet.
    Controller(TrustDomain),
}

impl Expected {
    /// Whether this name is expected.
    #[must_use]
    pub fn admits(&self, name: &Name) -> bool {
        match self {
            Self::Exactly(expected) => name == expected,
            Self::Gateway(domain) => {
                name.domain == *domain && matches!(name.holder, Holder::Gateway { .. })
            }
            Self::Controller(domain) => {
                name.domain == *domain && matches!(name.holder, Holder::Controller { .. })
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(name) => name.fmt(f),
            Self::Gateway(domain) => write!(f, "a gateway of {domain}"),
            Self::Controller(domain) => write!(f, "a controller of {domain}"),
        }
    }
}
