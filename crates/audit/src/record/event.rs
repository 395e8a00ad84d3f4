//! What else happens: to the log itself, to tunnels, and to rights.

use prepl_core::{Digest, Reason, RequestId};
use serde::{Deserialize, Serialize};

use super::Record;
use super::intent::ReplicaSet;
use super::sealed::Kind;
use super::who::{AccessRef, Decision, Who};
use crate::canonical::MAX_INTEGER;
use crate::redact::{Asked, Redacted};
use crate::text::{hex, shown};

/// The first record of each file: where the chain comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The end of the file before; the first file of a chain has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// The end of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its name.
    pub file: String,
    /// Number of its last record.
    pub seq: u64,
    /// Hash of its last record.
    #[serde(with = "hex")]
    pub hash: Digest,
}

/// A writer took the log up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Which program, with its version.
    pub program: String,
    /// Bytes of an incomplete last line that it cut: the writer before it ended in the middle.
    pub cut_bytes: u64,
}

/// A writer laid the log down in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {}

/// Somebody was not allowed to. Which rights and policies said yes does not matter then: the
/// sentence names the first that is against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// Who asked.
    pub who: Who,
    /// The request that was denied.
    #[serde(with = "shown")]
    pub request: RequestId,
    /// What he asked; a tunnel asks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<Asked>,
    /// The replicas that he named.
    pub replicas: ReplicaSet,
    /// Why he may not, in a sentence; also that another person said no.
    pub why: Sentence,
}

/// A tunnel to one replica's REPL is about to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachOpened {
    /// Name of the tunnel.
    #[serde(with = "shown")]
    pub request: RequestId,
    /// Who asks.
    pub who: Who,
    /// The one replica.
    pub replicas: ReplicaSet,
    /// Why he may.
    pub decision: Decision,
    /// Why he asks, in his words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Redacted>,
    /// He took a right that is for emergencies.
    pub break_glass: bool,
}

/// A tunnel ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachClosed {
    #[serde(with = "shown")]
    request: RequestId,
    bytes_to_replica: u64,
    bytes_from_replica: u64,
    why: Sentence,
}

impl AttachClosed {
    /// The end of the tunnel of this name, with the bytes that it carried and why it ended.
    #[must_use]
    pub fn new(request: RequestId, to_replica: u64, from_replica: u64, why: &Reason) -> Self {
        AttachClosed {
            request,
            bytes_to_replica: to_replica.min(MAX_INTEGER),
            bytes_from_replica: from_replica.min(MAX_INTEGER),
            why: why.into(),
        }
    }

    /// Name of the tunnel.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// Bytes that it carried to the replica.
    #[must_use]
    pub fn bytes_to_replica(&self) -> u64 {
        self.bytes_to_replica
    }

    /// Bytes that it carried from the replica.
    #[must_use]
    pub fn bytes_from_replica(&self) -> u64 {
        self.bytes_from_replica
    }

    /// Why it ended.
    #[must_use]
    pub fn why(&self) -> &Sentence {
        &self.why
    }
}

/// Somebody took a right that is for emergencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Who.
    pub who: Who,
    /// Why, in his words.
    pub reason: Redacted,
    /// The ticket that he names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Redacted>,
}

/// Somebody approved what somebody else is about to run; recorded with each run that it counts for,
/// before its intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved it.
    pub who: Who,
    /// To which access request.
    pub access: AccessRef,
    /// The digest of the expression that he was shown.
    #[serde(with = "hex")]
    pub shown: Digest,
}

/// A sentence of prepl's own: one short line that is never a value or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sentence(String);

impl Sentence {
    /// The sentence.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Reason> for Sentence {
    fn from(reason: &Reason) -> Sentence {
        Sentence(reason.as_str().to_owned())
    }
}

macro_rules! kinds {
    ($($record:ty = $kind:literal),+ $(,)?) => {
        $(impl Kind for $record { const KIND: &'static str = $kind; })+
    };
}

kinds! {
    Chain = "chain",
    Opened = "opened",
    Closed = "closed",
    Denied = "denied",
    AttachOpened = "attach_opened",
    AttachClosed = "attach_closed",
    BreakGlass = "break_glass",
    Approval = "approval",
}

// The log itself writes the first three.
impl Record for Denied {}
impl Record for AttachOpened {}
impl Record for AttachClosed {}
impl Record for BreakGlass {}
impl Record for Approval {}
