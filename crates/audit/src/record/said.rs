//! What is about to go through a tunnel.

use std::collections::BTreeMap;

use prepl_core::{Digest, RequestId};
use serde::{Deserialize, Serialize};

use super::Record;
use super::intent::ReplicaSet;
use super::sealed::Kind;
use super::who::Who;
use crate::redact::{Asked, Redacted};
use crate::text::{hex, shown};

/// Bytes of a caller are about to be passed on to the REPL at the end of his tunnel.
///
/// It tells again who and where: the file with the opening may be gone before a long tunnel ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachSaid {
    /// Name of the tunnel.
    #[serde(with = "shown")]
    pub request: RequestId,
    /// Its place among what is told of this tunnel, from 0.
    pub place: u64,
    /// Whose tunnel it is.
    pub who: Who,
    /// The one replica.
    pub replicas: ReplicaSet,
    /// How many bytes are passed on.
    pub bytes: u64,
    /// What they say.
    pub said: Said,
    /// What was passed on since the record before and evaluates nothing: how many messages of each
    /// op of nREPL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asides: BTreeMap<String, u64>,
}

/// What bytes say to a REPL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Said {
    /// Lines for a socket REPL.
    Text {
        /// The lines, with their ends.
        text: Asked,
    },
    /// One message of nREPL.
    Message(ReplMessage),
    /// What could not be read; it may be evaluated all the same.
    Raw {
        /// SHA-256 of the bytes.
        #[serde(with = "hex")]
        sha256: Digest,
    },
    /// Nothing but asides: the tunnel ends.
    Asides,
}

/// One message of nREPL. Its texts are redacted and, but for the code, cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplMessage {
    /// What it asks for: `eval`, `load-file`, `interrupt`; empty when it says no op.
    pub op: Redacted,
    /// The REPL's name of its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Redacted>,
    /// Namespace of the app that it is evaluated in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Redacted>,
    /// The file that the code is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Redacted>,
    /// Code, or input for code that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Asked>,
    /// SHA-256 of the whole message.
    #[serde(with = "hex")]
    pub sha256: Digest,
}

impl AttachSaid {
    /// What may be evaluated; redacted.
    #[must_use]
    pub fn code(&self) -> Option<&Asked> {
        match &self.said {
            Said::Text { text } => Some(text),
            Said::Message(message) => message.code.as_ref(),
            Said::Raw { .. } | Said::Asides => None,
        }
    }
}

impl Kind for AttachSaid {
    const KIND: &'static str = "attach_said";
}
impl Record for AttachSaid {}
