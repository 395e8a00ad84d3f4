//! Which pods of a namespace asked for a sidecar, and which got one.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, ListParams};
use prepl_crd::labels::{ANNOTATION_REPL, LABEL_INJECT, LABEL_INJECTED};

use crate::cluster::api_error::refused;
use crate::cluster::context::Cluster;
use crate::problem::Problem;

/// Pods that are named in one line.
const NAMED: usize = 3;

/// What is seen of a namespace.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Injection {
    /// The value of the namespace's label; `None` when it may not be looked at.
    pub namespace_label: Option<String>,
    /// Pods that asked.
    pub asked: usize,
    /// Names of those that got none.
    pub without: Vec<String>,
}

/// Looks; `None` when the user may not list pods, which prepl itself does not need.
pub async fn look(cluster: &Cluster) -> Result<Option<Injection>, Problem> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let asked = ListParams::default().labels(&format!("{LABEL_INJECT}=true"));
    let found = match pods.list(&asked).await {
        Ok(found) => found.items,
        Err(kube::Error::Api(status)) if status.code == 403 => return Ok(None),
        Err(error) => return Err(refused("see the pods", &error)),
    };
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let label = namespaces.get(&cluster.namespace).await.ok().map(|namespace| {
        let labels = namespace.metadata.labels.unwrap_or_default();
        labels.get(LABEL_INJECT).cloned().unwrap_or_default()
    });
    Ok(Some(Injection { namespace_label: label, ..counted(&found) }))
}

/// Pods on their way out do not count.
fn counted(found: &[Pod]) -> Injection {
    let staying = || found.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let without = staying().filter(|pod| {
        let labels = pod.metadata.labels.as_ref();
        labels.and_then(|all| all.get(LABEL_INJECTED)).is_none_or(|value| value != "true")
    });
    let without = without.map(|pod| pod.metadata.name.clone().unwrap_or_default()).collect();
    Injection { asked: staying().count(), without, ..Injection::default() }
}

impl Injection {
    /// Says it in a sentence, with the remedy where something is wrong.
    pub fn judge(&self, namespace: &str) -> Result<String, Problem> {
        let lets_in = self.namespace_label.as_deref().unwrap_or("enabled");
        if lets_in != "enabled" && (self.asked == 0 || !self.without.is_empty()) {
            let has = if lets_in.is_empty() { "no label" } else { "another value of the label" };
            return Err(Problem::failed(format!("namespace {namespace} has {has} {LABEL_INJECT}")).hint(
                format!(
                    "kubectl label --overwrite namespace {namespace} {LABEL_INJECT}=enabled; pods get \
                     their sidecars when they are made anew: kubectl rollout restart"
                ),
            ));
        }
        match (&self.without[..], self.asked) {
            ([], 0) => {
                Err(Problem::failed(format!("no pod in namespace {namespace} asks for a sidecar"))
                    .hint(format!(
                        "label the pods {LABEL_INJECT}=true and annotate them with {ANNOTATION_REPL}, in the \
                     template of their Deployment"
                    )))
            }
            ([], 1) => Ok("the one pod that asked for a sidecar has one".to_owned()),
            ([], all) => Ok(format!("all {all} pods that asked for a sidecar have one")),
            (without, all) => {
                let named = without.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
                let more = match without.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let count = without.len();
                Err(Problem::failed(format!(
                    "{count} of {all} pods that asked for a sidecar have none: {named}{more}"
                ))
                .hint(format!(
                    "the event of their ReplicaSet tells why (kubectl -n {namespace} get events \
                     --field-selector type=Warning); without one they are older than the labels, \
                     or the controller was away: kubectl rollout restart"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, more: serde_json::Value) -> Pod {
        let mut metadata = json!({ "name": name });
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    fn seen(label: Option<&str>, pods: &[Pod]) -> Result<String, Problem> {
        let namespace_label = label.map(str::to_owned);
        Injection { namespace_label, ..counted(pods) }.judge("shop")
    }

    #[test]
    fn pods_that_got_no_sidecar_are_named_and_those_on_their_way_out_are_not() {
        let with = pod("api-1", json!({ "labels": { "prepl.dev/injected": "true" } }));
        let without = pod("api-2", json!({}));
        let leaving = pod("api-3", json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" }));
        assert!(seen(None, &[]).is_err());
        assert!(seen(Some("enabled"), &[with.clone(), leaving.clone()]).is_ok());
        let problem = seen(None, &[with, without, leaving]).unwrap_err();
        assert!(
            problem.message.contains("1 of 2") && problem.message.contains("api-2"),
            "{problem}"
        );
        assert!(!problem.message.contains("api-3"), "{problem}");
        let many: Vec<Pod> = (0..5).map(|number| pod(&format!("p{number}"), json!({}))).collect();
        assert!(seen(None, &many).unwrap_err().message.ends_with("p2 and 2 more"));
    }

    #[test]
    fn a_namespace_with_the_wrong_word_is_told() {
        let without = [pod("api-2", json!({}))];
        let wrong = seen(Some("true"), &without).unwrap_err();
        assert!(wrong.hint.unwrap().contains("inject=enabled"));
        assert!(seen(Some(""), &without).unwrap_err().message.contains("no label"));
    }
}
