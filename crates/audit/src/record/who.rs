//! Who asked, and by what right.

use serde::{Deserialize, Serialize};

/// A caller, as whoever vouches for him told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// His name.
    pub username: String,
    /// What tells him apart from others of that name; empty when there is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// The access request that he used; a local fleet has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessRef>,
}

/// One access request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRef {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID: another one of the same name is not it.
    pub uid: String,
}

/// Why somebody may: every right and every policy that was asked. Each said yes; else there would
/// be a `denied` in place of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Rights, one for each workload.
    pub rights: Vec<AskedRight>,
    /// Policies, in the order in which they were asked.
    pub policies: Vec<AskedPolicy>,
}

/// A right on one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRight {
    /// What for: `inspect`, `eval`, `attach`.
    pub right: String,
    /// Where the workload is.
    pub namespace: String,
    /// Which workload: `deployment/api`.
    pub workload: String,
}

/// A policy about one of the replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPolicy {
    /// Its name, as it was called then; which version of it, the log does not tell.
    pub policy: String,
}
