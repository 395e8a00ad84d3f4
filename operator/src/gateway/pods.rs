//! Which pods are replicas, and what is known about them.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use prepl_core::{Replica, ReplicaId, Workload};
use prepl_crd::labels::{ANNOTATION_CONTAINER, CONTAINER, LABEL_INJECTED};

/// Where a sidecar listens.
const PORT: u16 = 7070;

/// What owns a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Above {
    /// The ReplicaSet itself is not known (yet).
    NotKnown,
    /// Nothing: people made it.
    Nothing,
    /// A Deployment, as a rule.
    Workload(Workload),
}

/// What owns the ReplicaSet with this metadata.
pub fn above(set: &ObjectMeta) -> Above {
    owner(set).map_or(Above::Nothing, |owner| Above::Workload(owned_by(owner)))
}

/// A pod as a replica; `None` for a pod that cannot be asked, or whose owner is not known: then
/// nobody could tell who may ask it.
///
/// `above` tells what owns a ReplicaSet of the pod's namespace, `zone` the zone of a node.
pub fn replica(
    pod: &Pod,
    above: impl Fn(&str) -> Above,
    zone: impl Fn(&str) -> Option<String>,
) -> Option<Replica> {
    let (meta, spec) = (&pod.metadata, pod.spec.as_ref()?);
    let labels = meta.labels.as_ref()?;
    let injected = labels.get(LABEL_INJECTED).is_some_and(|value| value == "true");
    if !injected || !has_sidecar(spec) || !running(pod) || spec.host_network == Some(true) {
        return None;
    }
    let address: IpAddr = pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()?;
    let container = container(meta, spec);
    let node = spec.node_name.clone().unwrap_or_default();
    Some(Replica {
        id: ReplicaId {
            namespace: meta.namespace.clone()?.into(),
            name: meta.name.clone()?.into(),
            uid: meta.uid.clone()?.into(),
        },
        workload: workload(pod, above)?,
        labels: labels.clone().into_iter().collect(),
        zone: zone(&node).unwrap_or_default().into(),
        node: node.into(),
        version: container.and_then(version).unwrap_or_default().into(),
        container: container.map(|one| one.name.as_str()).unwrap_or_default().into(),
        address: std::net::SocketAddr::new(address, PORT).to_string().into(),
    })
}

fn has_sidecar(spec: &PodSpec) -> bool {
    spec.init_containers.iter().flatten().any(|container| container.name == CONTAINER)
}

fn running(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
}

fn workload(pod: &Pod, above: impl Fn(&str) -> Above) -> Option<Workload> {
    let Some(owner) = owner(&pod.metadata) else {
        return Some(Workload { kind: "pod".into(), name: pod.metadata.name.clone()?.into() });
    };
    if owner.kind != "ReplicaSet" {
        return Some(owned_by(owner));
    }
    match above(&owner.name) {
        Above::NotKnown => None,
        Above::Nothing => Some(owned_by(owner)),
        Above::Workload(workload) => Some(workload),
    }
}

fn owner(object: &ObjectMeta) -> Option<&OwnerReference> {
    object.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

fn owned_by(owner: &OwnerReference) -> Workload {
    Workload { kind: owner.kind.to_lowercase().into(), name: owner.name.clone().into() }
}

/// The container that the REPL is in.
fn container<'a>(meta: &ObjectMeta, spec: &'a PodSpec) -> Option<&'a Container> {
    let named = meta.annotations.as_ref().and_then(|all| all.get(ANNOTATION_CONTAINER));
    match named {
        Some(name) => spec.containers.iter().find(|container| container.name == *name),
        None => spec.containers.first(),
    }
}

/// The tag of the container's image, if it has one.
fn version(container: &Container) -> Option<&str> {
    let image = container.image.as_deref()?.split('@').next()?;
    let last = image.rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag)
}
