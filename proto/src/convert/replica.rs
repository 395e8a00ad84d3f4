//! Replicas, as a gateway of a cluster lists them.

use std::sync::Arc;

use prepl_core::{Replica, ReplicaId, Workload};

use super::BadMessage;
use crate::v1;

impl From<Replica> for v1::ListedReplica {
    fn from(replica: Replica) -> Self {
        let text = |text: Arc<str>| text.as_ref().to_owned();
        let labels = replica.labels.iter();
        v1::ListedReplica {
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            namespace: text(replica.id.namespace),
            name: text(replica.id.name),
            uid: text(replica.id.uid),
            workload_kind: text(replica.workload.kind),
            workload_name: text(replica.workload.name),
            node: text(replica.node),
            zone: text(replica.zone),
            version: text(replica.version),
            container: text(replica.container),
            address: text(replica.address),
        }
    }
}

impl TryFrom<v1::ListedReplica> for Replica {
    type Error = BadMessage;

    fn try_from(wire: v1::ListedReplica) -> Result<Self, BadMessage> {
        if wire.uid.is_empty() || wire.name.is_empty() {
            return Err(BadMessage("a replica without a name or UID"));
        }
        Ok(Replica {
            id: ReplicaId {
                namespace: wire.namespace.into(),
                name: wire.name.into(),
                uid: wire.uid.into(),
            },
            workload: Workload { kind: wire.workload_kind.into(), name: wire.workload_name.into() },
            labels: wire.labels.into_iter().collect(),
            node: wire.node.into(),
            zone: wire.zone.into(),
            version: wire.version.into(),
            container: wire.container.into(),
            address: wire.address.into(),
        })
    }
}
