//! The policies of the cluster, kept fresh by watches.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{Store, store::WriterDropped};
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use prepl_core::{Reason, Selection};
use prepl_crd::{ClusterReplPolicy, PolicySpec, ReplPolicy, policy as crd};
use prepl_policy::{Draft, Mode, Policy, Scope, draft};
use tokio::task::JoinSet;

use super::fleet::kept;

/// What is known of the cluster's policies.
#[derive(Clone)]
pub struct Policies {
    namespaced: Store<DeserializeGuard<ReplPolicy>>,
    everywhere: Store<DeserializeGuard<ClusterReplPolicy>>,
}

impl Policies {
    /// Watches from now on, in tasks of `tasks`.
    pub fn watch(client: &Client, tasks: &mut JoinSet<()>) -> Policies {
        let all = watcher::Config::default;
        let namespaced = watcher(Api::all(client.clone()), all());
        let everywhere = watcher(Api::all(client.clone()), all());
        Policies { namespaced: kept(namespaced, tasks), everywhere: kept(everywhere, tasks) }
    }

    /// Completes when everything was heard of once.
    pub async fn ready(&self) -> Result<(), WriterDropped> {
        self.namespaced.wait_until_ready().await?;
        self.everywhere.wait_until_ready().await
    }

    /// Those of a scope, whatever they select.
    #[must_use]
    pub fn within(&self, scope: &super::access::Scope) -> Vec<Policy> {
        self.of_namespaces(|namespace| scope.reaches(namespace))
    }

    /// Those that may be about a selection; one that cannot be read denies what it selects.
    #[must_use]
    pub fn about(&self, selection: &Selection) -> Vec<Policy> {
        let namespaces: BTreeSet<&str> =
            selection.replicas().iter().map(|replica| &*replica.id.namespace).collect();
        self.of_namespaces(|namespace| namespaces.contains(namespace))
    }

    /// Those of some namespaces, and those of all.
    fn of_namespaces(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Policy> {
        let near = self
            .namespaced
            .state_filter(|one| one.namespace().is_some_and(|namespace| is_meant(&namespace)));
        let near = near.iter().map(|one| namespaced(one));
        near.chain(self.everywhere.state().iter().map(|one| everywhere(one))).collect()
    }
}

/// A policy of one namespace.
#[must_use]
pub fn namespaced(found: &DeserializeGuard<ReplPolicy>) -> Policy {
    let namespace = found.namespace().unwrap_or_default();
    let name = format!("ReplPolicy {namespace}/{}", found.name_any());
    let spec = found.0.as_ref().map(|found| &found.spec.policy);
    policy(name, Scope::Namespace(namespace.into()), spec.map_err(|bad| bad.error.as_str()))
}

/// A policy of all namespaces.
#[must_use]
pub fn everywhere(found: &DeserializeGuard<ClusterReplPolicy>) -> Policy {
    let name = format!("ClusterReplPolicy {}", found.name_any());
    let spec = found.0.as_ref().map(|found| &found.spec.policy);
    policy(name, Scope::Everywhere, spec.map_err(|bad| bad.error.as_str()))
}

fn policy(name: String, scope: Scope, spec: Result<&PolicySpec, &str>) -> Policy {
    match spec.map(|spec| (selector(spec.selector.as_ref()), spec)) {
        Ok((Some(selector), spec)) => Policy::lenient(name, scope, draft(selector, spec)),
        Ok((None, _)) => Policy::unreadable(
            name,
            scope,
            Reason::new("selector: write labels as Kubernetes does"),
        ),
        Err(bad) => Policy::unreadable(name, scope, Reason::new(bad)),
    }
}

/// A selector as kubectl writes it; `None` when it cannot be one.
fn selector(selector: Option<&LabelSelector>) -> Option<String> {
    let Some(selector) = selector else { return Some(String::new()) };
    let labels = selector.match_labels.iter().flatten();
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in labels {
        parts.push(format!("{}={}", word(key)?, word(value)?));
    }
    for one in selector.match_expressions.iter().flatten() {
        let (key, values) = (word(&one.key)?, one.values.as_deref().unwrap_or_default());
        let listed = values.iter().map(|value| word(value)).collect::<Option<Vec<_>>>()?.join(",");
        parts.push(match (&*one.operator, values) {
            ("In" | "NotIn", []) => return None,
            ("In", _) => format!("{key} in ({listed})"),
            ("NotIn", _) => format!("{key} notin ({listed})"),
            ("Exists", []) => key.to_owned(),
            ("DoesNotExist", []) => format!("!{key}"),
            _ => return None,
        });
    }
    Some(parts.join(","))
}

/// A key or a value without anything that means something in a selector.
fn word(text: &str) -> Option<&str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    text.chars().all(fits).then_some(text)
}

fn draft(selector: String, spec: &PolicySpec) -> Draft {
    Draft {
        selector,
        ceilings: spec.ceilings.as_ref().map(ceilings).unwrap_or_default(),
        reason: spec.reason.as_ref().map(demand).unwrap_or_default(),
        ticket: spec.ticket.as_ref().map(demand).unwrap_or_default(),
        approvals: spec.approvals.as_ref().map(approvals).unwrap_or_default(),
        redaction: spec.redaction.iter().map(redaction).collect(),
        expressions: spec.expressions.as_ref().map(expressions).unwrap_or_default(),
        break_glass: spec.break_glass.as_ref().map(break_glass).unwrap_or_default(),
    }
}

fn ceilings(spec: &crd::Ceilings) -> draft::Ceilings {
    draft::Ceilings {
        mode: spec.mode.map(Mode::from),
        replicas: spec.replicas,
        eval_seconds: spec.eval_seconds,
        value_bytes: spec.value_bytes,
        output_bytes: spec.output_bytes,
        runs_per_minute: spec.runs_per_minute,
        read_only: spec.read_only,
    }
}

fn demand(spec: &crd::Demand) -> draft::Demand {
    draft::Demand { required: spec.required, pattern: spec.pattern.clone() }
}

fn approvals(spec: &crd::Approvals) -> draft::Approvals {
    draft::Approvals {
        count: spec.count,
        modes: spec.modes.iter().copied().map(Mode::from).collect(),
        expires_seconds: spec.expires_seconds,
        from_service_accounts: spec.from_service_accounts,
    }
}

fn redaction(spec: &crd::Redaction) -> draft::Redaction {
    draft::Redaction { pattern: spec.pattern.clone(), replace: spec.replace.clone() }
}

fn expressions(spec: &crd::Expressions) -> draft::Expressions {
    let deny = spec.deny.iter().map(|one| draft::Deny {
        regex: one.regex.clone(),
        rhai: one.rhai.clone(),
        message: one.message.clone(),
    });
    draft::Expressions { deny: deny.collect() }
}

fn break_glass(spec: &crd::BreakGlass) -> draft::BreakGlass {
    draft::BreakGlass {
        allowed: spec.allowed,
        max_seconds: spec.max_seconds,
        max_unreviewed: spec.max_unreviewed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::access::Refused;
    use crate::gateway::judging::Judges;
    use crate::gateway::recent::Recent;
    use kube::runtime::reflector;
    use kube::runtime::watcher::Event;
    use prepl_core::{Labels, Replica, ReplicaId, Workload};
    use prepl_gateway::Scripts;
    use prepl_policy::{Known, Request, Verdict, decide};
    use serde_json::{Value, json};

    fn object<K: serde::de::DeserializeOwned>(kind: &str, metadata: &Value, mode: &str) -> K {
        let spec = json!({"ceilings": {"mode": mode}});
        let version = "prepl.dev/v1alpha1";
        let object = json!({
            "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec,
        });
        serde_json::from_value(object).unwrap()
    }

    /// One for shop, one for bank, and one for all.
    fn policies(shop: &str, bank: &str, all: &str) -> Policies {
        let (namespaced, mut near) = reflector::store();
        for (namespace, mode) in [("shop", shop), ("bank", bank)] {
            let metadata = json!({"name": "p", "namespace": namespace});
            near.apply_watcher_event(&Event::Apply(object("ReplPolicy", &metadata, mode)));
        }
        let (everywhere, mut far) = reflector::store();
        let one = object("ClusterReplPolicy", &json!({"name": "p"}), all);
        far.apply_watcher_event(&Event::Apply(one));
        Policies { namespaced, everywhere }
    }

    fn selection() -> Selection {
        Selection::of(vec![Replica {
            id: ReplicaId { namespace: "shop".into(), name: "api-1".into(), uid: "u1".into() },
            workload: Workload { kind: "deployment".into(), name: "api".into() },
            labels: Labels::default(),
            node: "".into(),
            zone: "".into(),
            version: "".into(),
            container: "".into(),
            address: "127.0.0.1:1".into(),
        }])
    }

    async fn attaches(policies: Policies) -> Result<(), Refused> {
        let judges = Judges { policies, scripts: Scripts::new(), recent: Recent::default() };
        let permit = decide(&selection(), |_| Verdict::Allowed).unwrap();
        judges.permit(permit, Request::tunnel(), Known::default()).await.map(drop)
    }

    #[test]
    fn those_of_other_namespaces_are_not_asked() {
        let about = policies("Eval", "Eval", "Eval").about(&selection());
        let mut names: Vec<_> = about.iter().map(|policy| policy.name().to_string()).collect();
        names.sort();
        assert_eq!(names, ["ClusterReplPolicy p", "ReplPolicy shop/p"]);
    }

    #[tokio::test]
    async fn one_that_is_against_it_is_enough() {
        assert_eq!(attaches(policies("Attach", "Eval", "Attach")).await, Ok(()));
        for policies in [policies("Eval", "Attach", "Attach"), policies("Attach", "Attach", "Eval")]
        {
            let Err(Refused::Denied(told)) = attaches(policies).await else { panic!("allowed") };
            assert!(told.contains("at most eval is allowed here"), "{told}");
        }
    }
}
