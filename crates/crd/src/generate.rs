//! The definitions as the chart carries them: one file each, JSON, which is YAML too.

use kube::CustomResourceExt;

use crate::{AccessApproval, AccessRequest, AuditCheckpoint, ClusterReplPolicy, ReplPolicy};

/// File name and content of every definition.
pub fn files() -> Result<Vec<(&'static str, String)>, serde_json::Error> {
    let definitions = [
        ("accessrequests.json", AccessRequest::crd()),
        ("accessapprovals.json", AccessApproval::crd()),
        ("auditcheckpoints.json", AuditCheckpoint::crd()),
        ("replpolicies.json", ReplPolicy::crd()),
        ("clusterreplpolicies.json", ClusterReplPolicy::crd()),
    ];
    let pretty = |(name, definition)| {
        serde_json::to_string_pretty(&definition).map(|text| (name, text + "\n"))
    };
    definitions.into_iter().map(pretty).collect()
}
