//! What is about to happen.

use std::collections::BTreeSet;

use prepl_core::{Digest, Origin, Replica, RequestId, RunId};
use serde::{Deserialize, Serialize};

use super::Record;
use super::sealed::Kind;
use super::who::{Decision, Who};
use crate::redact::{Asked, Redacted, Redactor};
use crate::text::{hex, shown};

/// One expression is about to go to these replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The run.
    #[serde(with = "shown")]
    pub run: RunId,
    /// The request that goes to each replica.
    #[serde(with = "shown")]
    pub request: RequestId,
    /// Who asks.
    pub who: Who,
    /// Whether it may change anything.
    pub mode: Mode,
    /// The answer of an earlier time is asked for, and nothing runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recall: bool,
    /// What goes there.
    pub expression: Asked,
    /// The file that it is of; without one, somebody typed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SourceFile>,
    /// Kept state of the app's REPL that it is evaluated in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Namespace or module of the app that it is evaluated in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where it goes.
    pub replicas: ReplicaSet,
    /// Why it may.
    pub decision: Decision,
    /// Why he asks, in his words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Redacted>,
    /// The ticket that he names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Redacted>,
    /// He took a right that is for emergencies.
    pub break_glass: bool,
}

/// Whether an evaluation may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It reads.
    ReadOnly,
    /// It may write, or nobody said.
    ReadWrite,
}

/// The file that an expression is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name.
    pub name: Redacted,
    /// Where in it; without a place, the expression is the whole file, to be loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SourcePlace>,
}

/// A place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlace {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl SourceFile {
    /// The file of an origin; `None` for what was typed.
    #[must_use]
    pub fn of(origin: &Origin, redactor: &Redactor) -> Option<SourceFile> {
        let (file, at) = match origin {
            Origin::Typed => return None,
            Origin::File(file) => (file, None),
            Origin::At { file, line, column } => {
                (file, Some(SourcePlace { line: *line, column: *column }))
            }
        };
        Some(SourceFile { name: redactor.text(file.as_str()), at })
    }
}

/// Replicas with a digest that stands for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaSet {
    #[serde(with = "hex")]
    digest: Digest,
    list: Vec<Asking>,
}

/// One replica that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// What owns it: `deployment/api`.
    pub workload: String,
    /// The node it is on; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node: String,
}

impl ReplicaSet {
    /// The set of these replicas, in this order.
    #[must_use]
    pub fn of<'a>(replicas: impl IntoIterator<Item = &'a Replica>) -> ReplicaSet {
        let list: Vec<_> = replicas.into_iter().map(Asking::of).collect();
        ReplicaSet { digest: digest(list.iter().map(|one| one.uid.as_str())), list }
    }

    /// SHA-256 of the sorted distinct UIDs, each with a line feed after it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The replicas.
    #[must_use]
    pub fn list(&self) -> &[Asking] {
        &self.list
    }
}

fn digest<'a>(uids: impl Iterator<Item = &'a str>) -> Digest {
    let sorted: BTreeSet<&str> = uids.collect();
    Digest::of(&sorted.into_iter().flat_map(|uid| [uid, "\n"]).collect::<String>())
}

impl Asking {
    fn of(replica: &Replica) -> Asking {
        Asking {
            namespace: replica.id.namespace.to_string(),
            name: replica.id.name.to_string(),
            uid: replica.id.uid.to_string(),
            workload: replica.workload.to_string(),
            node: replica.node.to_string(),
        }
    }
}

impl Kind for Intent {
    const KIND: &'static str = "intent";
}
impl Record for Intent {}
