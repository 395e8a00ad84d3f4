//! A right on workloads, as Kubernetes is asked about it and as a person is told what is missing.

use k8s_openapi::api::authentication::v1::UserInfo as Authenticated;
use k8s_openapi::api::authorization::v1::ResourceAttributes;

use crate::{GROUP, Mode, UserInfo};

/// A right on a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// To do something with its replicas.
    To(Mode),
    /// To do it without the approvals that a policy demands.
    BreakGlass,
}

impl Right {
    /// The subresource of `workloads` that a role must allow.
    #[must_use]
    pub fn subresource(self) -> &'static str {
        match self {
            Right::To(mode) => mode.subresource(),
            Right::BreakGlass => "breakglass",
        }
    }
}

impl From<Mode> for Right {
    fn from(mode: Mode) -> Right {
        Right::To(mode)
    }
}

/// The question about one workload of a namespace, or without a name about all of them.
///
/// The one who asks for himself and the gateway that asks about him ask the same.
#[must_use]
pub fn attributes(
    right: impl Into<Right>,
    namespace: &str,
    workload: Option<&str>,
) -> ResourceAttributes {
    ResourceAttributes {
        group: Some(GROUP.to_owned()),
        resource: Some("workloads".to_owned()),
        subresource: Some(right.into().subresource().to_owned()),
        verb: Some("create".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: workload.map(str::to_owned),
        ..ResourceAttributes::default()
    }
}

/// What to ask an administrator for.
#[must_use]
pub fn missing(right: impl Into<Right>, namespace: &str, workload: Option<&str>) -> String {
    let right = right.into().subresource();
    let names = workload.map(|name| format!(" resourceNames [\"{name}\"],")).unwrap_or_default();
    format!(
        "ask for a Role in namespace {namespace} with apiGroups [\"{GROUP}\"], resources \
         [\"workloads/{right}\"],{names} verbs [\"create\"]"
    )
}

/// The question about reading the audit logs of the gateways in a namespace.
#[must_use]
pub fn audit_attributes(namespace: &str) -> ResourceAttributes {
    ResourceAttributes {
        group: Some(GROUP.to_owned()),
        resource: Some("auditlogs".to_owned()),
        verb: Some("get".to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    }
}

/// What to ask an administrator for.
#[must_use]
pub fn missing_audit(namespace: &str) -> String {
    format!(
        "ask for the Role prepl-auditor: kubectl -n {namespace} create rolebinding NAME --role \
         prepl-auditor --user YOU"
    )
}

impl From<Authenticated> for UserInfo {
    fn from(user: Authenticated) -> UserInfo {
        UserInfo {
            username: user.username.unwrap_or_default(),
            uid: user.uid.unwrap_or_default(),
            groups: user.groups.unwrap_or_default(),
            extra: user.extra.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_the_workload_and_the_subresource() {
        let asked = attributes(Mode::Eval, "shop", Some("api"));
        let words = [
            asked.group,
            asked.resource,
            asked.subresource,
            asked.verb,
            asked.namespace,
            asked.name,
        ];
        let words = words.map(Option::unwrap_or_default);
        assert_eq!(words, ["prepl.dev", "workloads", "eval", "create", "shop", "api"]);
        assert_eq!(attributes(Mode::Eval, "shop", None).name, None);
    }

    #[test]
    fn the_missing_rule_is_named() {
        let all = missing(Mode::Inspect, "shop", None);
        assert!(all.contains("namespace shop") && all.contains("workloads/inspect"), "{all}");
        assert!(!all.contains("resourceNames"));
        assert!(missing(Mode::Eval, "shop", Some("api")).contains("resourceNames [\"api\"]"));
    }
}
