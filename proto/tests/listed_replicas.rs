//! A replica crosses the wire whole; one that cannot be named is refused.

use prepl_core::{Replica, ReplicaId, Workload};
use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use proptest::prelude::*;

prop_compose! {
    fn replica()(
        [namespace, kind, owner, node, zone, version, container, address] in
            proptest::array::uniform8(".{0,12}"),
        name in ".{1,12}",
        uid in ".{1,12}",
        labels in proptest::collection::btree_map(".{0,8}", ".{0,8}", 0..5),
    ) -> Replica {
        Replica {
            id: ReplicaId { namespace: namespace.into(), name: name.into(), uid: uid.into() },
            workload: Workload { kind: kind.into(), name: owner.into() },
            labels: labels.into_iter().collect(),
            node: node.into(),
            zone: zone.into(),
            version: version.into(),
            container: container.into(),
            address: address.into(),
        }
    }
}

proptest! {
    #[test]
    fn a_replica_crosses_the_wire_whole(replica in replica()) {
        let wire = v1::ListedReplica::from(replica.clone());
        prop_assert_eq!(Replica::try_from(wire), Ok(replica));
    }

    #[test]
    fn a_replica_without_a_name_or_uid_is_refused(replica in replica(), which in any::<bool>()) {
        let mut wire = v1::ListedReplica::from(replica);
        let missing = if which { &mut wire.uid } else { &mut wire.name };
        missing.clear();
        let refused = Replica::try_from(wire);
        prop_assert_eq!(refused, Err(BadMessage("a replica without a name or UID")));
    }
}
