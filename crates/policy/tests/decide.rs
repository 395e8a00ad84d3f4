//! One denial denies the whole selection, and each workload is asked for once.

use prepl_core::{Labels, Reason, Replica, ReplicaId, Selection, Workload};
use prepl_policy::{Verdict, decide};
use proptest::prelude::*;

fn replica(namespace: &str, workload: &str, number: usize) -> Replica {
    Replica {
        id: ReplicaId {
            namespace: namespace.into(),
            name: format!("{workload}-{number}").into(),
            uid: format!("{namespace}-{workload}-{number}").into(),
        },
        workload: Workload { kind: "deployment".into(), name: workload.into() },
        labels: Labels::default(),
        node: "".into(),
        zone: "".into(),
        version: "".into(),
        container: "".into(),
        address: "127.0.0.1:1".into(),
    }
}

fn no() -> Verdict {
    Verdict::Denied(Reason::new("no role allows it"))
}

#[test]
fn each_workload_is_asked_for_once() {
    let replicas = vec![
        replica("shop", "api", 0),
        replica("shop", "api", 1),
        replica("shop", "web", 0),
        replica("bank", "api", 0),
    ];
    let mut asked = Vec::new();
    let permit = decide(&Selection::of(replicas), |replica| {
        asked.push(format!("{}/{}", replica.id.namespace, replica.workload.name));
        Verdict::Allowed
    });
    assert_eq!(asked, ["shop/api", "shop/web", "bank/api"]);
    assert_eq!(permit.unwrap().selection().len(), 4);
}

#[test]
fn a_denial_names_the_workload_and_counts_the_others() {
    let replicas = vec![replica("shop", "api", 0), replica("shop", "web", 0)];
    let denial = decide(&Selection::of(replicas), |_| no()).unwrap_err();
    let words = "denied on deployment/api in shop: no role allows it (and on one more workload)";
    assert_eq!(denial.to_string(), words);
}

proptest! {
    #[test]
    fn one_denied_workload_denies_them_all(
        count in 1usize..40,
        workloads in 1usize..8,
        denied in proptest::option::of(0usize..8),
    ) {
        let name = |number: usize| format!("w{}", number % workloads);
        let replicas = (0..count).map(|number| replica("shop", &name(number), number)).collect();
        let selection = Selection::of(replicas);
        let bad = denied.map(|number| format!("w{number}"));
        let decided = decide(&selection, |replica| match &bad {
            Some(bad) if **bad == *replica.workload.name => no(),
            _ => Verdict::Allowed,
        });
        let any = selection.replicas().iter().any(|r| Some(&*r.workload.name) == bad.as_deref());
        prop_assert_eq!(decided.is_err(), any);
    }
}
