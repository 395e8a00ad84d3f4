//! The definitions as the chart carries them: one file each, JSON, which is YAML too.

use kube::CustomResourceExt;

use crate::AccessRequest;

/// File name and content of every definition.
pub fn files() -> Result<Vec<(&'static str, String)>, serde_json::Error> {
    let pretty = serde_json::to_string_pretty(&AccessRequest::crd())?;
    Ok(vec![("accessrequests.json", pretty + "\n")])
}
