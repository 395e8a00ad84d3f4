//! Who can answer: one container with a REPL behind its sidecar.

use std::fmt;
use std::sync::Arc;

use crate::Labels;

/// Identity of one replica; a restarted pod is another replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaId {
    /// Namespace the pod lives in.
    pub namespace: Arc<str>,
    /// Pod name, or the name of a machine's replica in a local fleet.
    pub name: Arc<str>,
    /// Pod UID; the sidecar refuses an evaluation meant for another one.
    pub uid: Arc<str>,
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What owns a replica, e.g. `deployment/api`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// Kind in lower case and singular: `deployment`, `statefulset`, `pod`, …
    pub kind: Arc<str>,
    /// Name of the owning object.
    pub name: Arc<str>,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// One container that can answer, with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Who it is.
    pub id: ReplicaId,
    /// What owns it.
    pub workload: Workload,
    /// Labels of the pod.
    pub labels: Labels,
    /// Kubernetes node, or the machine's name; empty when not known.
    pub node: Arc<str>,
    /// Availability zone; empty when not known.
    pub zone: Arc<str>,
    /// Version of the service (image tag); empty when not known.
    pub version: Arc<str>,
    /// The container of the pod that the REPL is in; empty where there are none.
    pub container: Arc<str>,
    /// `host:port` of its sidecar.
    pub address: Arc<str>,
}

impl Replica {
    /// Named facts that may explain why answers differ, in a stable order.
    pub fn attributes(&self) -> Vec<(String, Arc<str>)> {
        let fixed = [
            ("version", &self.version),
            ("zone", &self.zone),
            ("node", &self.node),
            ("namespace", &self.id.namespace),
        ];
        let fixed = fixed.into_iter().filter(|(_, value)| !value.is_empty());
        let fixed = fixed.map(|(key, value)| (key.to_owned(), Arc::clone(value)));
        let workload = ("workload".to_owned(), Arc::from(self.workload.to_string()));
        let labels =
            self.labels.iter().map(|(key, value)| (format!("label {key}"), Arc::from(value)));
        fixed.chain([workload]).chain(labels).collect()
    }
}

/// Place of a replica in its selection; stable for the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaIndex(pub u32);

impl ReplicaIndex {
    /// The place as an index into the selection's replicas.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}
