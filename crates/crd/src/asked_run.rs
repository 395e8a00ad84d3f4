//! The one run that an access request is for, so that others can approve it.

use kube::KubeSchema;
use prepl_core::membership::Members;
use prepl_core::origin::BadFileName;
use prepl_core::{Digest, Origin};
use serde::{Deserialize, Serialize};

/// Largest expression of such a run, in bytes: the object has to fit in the API server's store.
pub const MAX_EXPRESSION_BYTES: usize = 256 << 10;
/// Most replicas of such a run.
pub const MAX_REPLICAS: usize = 1000;

/// One expression over named replicas.
#[derive(KubeSchema, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AskedRun {
    /// Request id; each replica does it once.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub request_id: String,
    /// What is evaluated.
    #[schemars(length(min = 1, max = 262144))]
    pub expression: String,
    /// The file that it is of; without one, somebody typed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SourceFile>,
    /// Kept state to evaluate in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub session: Option<String>,
    /// Namespace or module of the app to evaluate in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub namespace: Option<String>,
    /// Whether it runs only where something keeps it from writing.
    #[serde(default)]
    pub read_only: bool,
    /// Where.
    #[schemars(length(min = 1, max = 1000))]
    pub replicas: Vec<NamedReplica>,
}

/// The file that an expression is of.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name.
    #[schemars(length(min = 1, max = 512))]
    pub name: String,
    /// Where in it; without a place, the expression is the whole file, to be loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SourcePlace>,
}

/// A place of a file.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// From 1.
    #[schemars(range(min = 1, max = 16777216))]
    pub line: u32,
    /// From 1.
    #[schemars(range(min = 1, max = 65536))]
    pub column: u32,
}

impl SourceFile {
    /// The file of an origin; `None` for what was typed.
    #[must_use]
    pub fn of(origin: &Origin) -> Option<SourceFile> {
        let (file, at) = match origin {
            Origin::Typed => return None,
            Origin::File(file) => (file, None),
            Origin::At { file, line, column } => {
                (file, Some(SourcePlace { line: *line, column: *column }))
            }
        };
        Some(SourceFile { name: file.to_string(), at })
    }
}

/// A replica as people read it, and its UID.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct NamedReplica {
    /// Namespace of its pod.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Name of its pod.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// UID of its pod: this one counts.
    #[schemars(length(min = 1, max = 128))]
    pub uid: String,
    /// Whose it is: `deployment/api`.
    #[schemars(length(min = 1, max = 320))]
    pub workload: String,
}

impl AskedRun {
    /// SHA-256 of the expression.
    #[must_use]
    pub fn expression_digest(&self) -> Digest {
        Digest::of(&self.expression)
    }

    /// Where the expression stands.
    pub fn origin(&self) -> Result<Origin, BadFileName> {
        let Some(SourceFile { name, at }) = &self.file else { return Ok(Origin::Typed) };
        let file = name.parse()?;
        Ok(match at {
            None => Origin::File(file),
            Some(SourcePlace { line, column }) => Origin::at(file, *line, *column),
        })
    }

    /// Root of the hash tree over the replicas' UIDs in their order, as the user signs it too.
    #[must_use]
    pub fn replicas_digest(&self) -> Digest {
        Members::of(self.replicas.iter().map(|one| one.uid.as_str())).root()
    }
}

/// No expression reaches a log.
impl std::fmt::Debug for AskedRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskedRun")
            .field("request_id", &self.request_id)
            .field("bytes", &self.expression.len())
            .field("replicas", &self.replicas.len())
            .finish_non_exhaustive()
    }
}
