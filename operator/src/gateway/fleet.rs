//! The pods of the cluster that have a sidecar, kept fresh by watches.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use futures_util::StreamExt;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::reflector::{self, ObjectRef, Store, store::WriterDropped};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Resource};
use prepl_core::{Replica, ReplicaIndex, Selection};
use prepl_crd::labels::LABEL_INJECTED;
use tokio::task::JoinSet;

use super::access::Scope;
use super::pods::{self, Above};

/// What is known of the cluster.
#[derive(Clone)]
pub struct Fleet {
    pods: Store<Pod>,
    sets: Store<PartialObjectMeta<ReplicaSet>>,
    nodes: Store<PartialObjectMeta<Node>>,
}

/// The replicas that a call names by their UIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Those that are there.
    pub selection: Selection,
    /// The place of each of them among the UIDs.
    pub places: Vec<ReplicaIndex>,
    /// The places of those that are not.
    pub gone: Vec<ReplicaIndex>,
}

impl Fleet {
    /// Watches from now on, in tasks of `tasks`.
    pub fn watch(client: &Client, tasks: &mut JoinSet<()>) -> Fleet {
        let injected = watcher::Config::default().labels(&format!("{LABEL_INJECTED}=true"));
        let pods = watcher(Api::all(client.clone()), injected);
        let all = watcher::Config::default;
        let sets = watcher(Api::all(client.clone()), all());
        let nodes = watcher(Api::all(client.clone()), all());
        Fleet { pods: kept(pods, tasks), sets: kept(sets, tasks), nodes: kept(nodes, tasks) }
    }

    /// Completes when everything was heard of once.
    pub async fn ready(&self) -> Result<(), WriterDropped> {
        self.pods.wait_until_ready().await?;
        self.sets.wait_until_ready().await?;
        self.nodes.wait_until_ready().await
    }

    /// The replicas of a scope, by namespace and name.
    #[must_use]
    pub fn replicas(&self, scope: &Scope) -> Vec<Replica> {
        let pods = self.pods.state_filter(|pod| {
            pod.metadata.namespace.as_deref().is_some_and(|namespace| scope.reaches(namespace))
        });
        let mut replicas: Vec<_> = pods.iter().filter_map(|pod| self.replica(pod)).collect();
        replicas.sort_by(|a, b| a.id.cmp(&b.id));
        replicas
    }

    /// The replicas of a scope that have these UIDs, in their order.
    #[must_use]
    pub fn asked(&self, uids: &[Arc<str>], scope: &Scope) -> Asked {
        find(uids, self.replicas(scope))
    }

    /// The UIDs of all pods with a sidecar, whatever their state.
    #[must_use]
    pub fn uids(&self) -> std::collections::HashSet<String> {
        self.pods.state().iter().filter_map(|pod| pod.metadata.uid.clone()).collect()
    }

    fn replica(&self, pod: &Pod) -> Option<Replica> {
        let namespace = pod.metadata.namespace.clone()?;
        let above = |set: &str| {
            let found = self.sets.get(&ObjectRef::new(set).within(&namespace));
            found.map_or(Above::NotKnown, |set| pods::above(&set.metadata))
        };
        let zone = |node: &str| {
            self.nodes.get(&ObjectRef::new(node)).and_then(|node| zone(&node.metadata))
        };
        pods::replica(pod, above, zone)
    }
}

/// Tells the replicas with these UIDs from those that are not there.
#[must_use]
pub fn find(uids: &[Arc<str>], replicas: Vec<Replica>) -> Asked {
    let mut by_uid: HashMap<Arc<str>, Replica> =
        replicas.into_iter().map(|one| (Arc::clone(&one.id.uid), one)).collect();
    let (mut found, mut places, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for (place, uid) in (0..).map(ReplicaIndex).zip(uids) {
        match by_uid.remove(uid) {
            Some(replica) => {
                found.push(replica);
                places.push(place);
            }
            None => gone.push(place),
        }
    }
    Asked { selection: Selection::of(found), places, gone }
}

fn zone(node: &ObjectMeta) -> Option<String> {
    node.labels.as_ref()?.get("topology.kubernetes.io/zone").cloned()
}

/// A store of all that a watch tells.
pub(super) fn kept<K>(
    events: impl futures_util::Stream<Item = Result<watcher::Event<K>, watcher::Error>> + Send + 'static,
    tasks: &mut JoinSet<()>,
) -> Store<K>
where
    K: Resource + Clone + std::fmt::Debug + Send + Sync + 'static,
    K::DynamicType: Hash + Eq + Clone + Default + Send + Sync,
{
    let (store, writer) = reflector::store();
    let events = events.modify(|object| {
        // It is large, and nobody asks for it.
        object.meta_mut().managed_fields = None;
    });
    let events = events.default_backoff().reflect(writer);
    tasks.spawn(events.for_each(|event| async move {
        if let Err(error) = event {
            tracing::warn!(%error, "a watch is interrupted; it goes on by itself");
        }
    }));
    store
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Labels, ReplicaId, Workload};

    fn replica(uid: &str) -> Replica {
        let text = |text: &str| Arc::<str>::from(text);
        Replica {
            id: ReplicaId { namespace: text("shop"), name: text(uid), uid: text(uid) },
            workload: Workload { kind: text("deployment"), name: text("api") },
            labels: Labels::default(),
            node: text(""),
            zone: text(""),
            version: text(""),
            container: text(""),
            address: text(""),
        }
    }

    #[test]
    fn the_order_is_that_of_the_call_and_what_is_gone_keeps_its_place() {
        let uids: Vec<Arc<str>> = ["c", "x", "a"].map(Arc::from).into();
        let asked = find(&uids, vec![replica("a"), replica("b"), replica("c")]);
        let names: Vec<_> = asked.selection.replicas().iter().map(|one| &*one.id.uid).collect();
        assert_eq!(names, ["c", "a"]);
        assert_eq!(asked.places, [ReplicaIndex(0), ReplicaIndex(2)]);
        assert_eq!(asked.gone, [ReplicaIndex(1)]);
    }
}
