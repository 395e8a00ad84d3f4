//! What there is now of the replicas of a run that was asked for earlier.

use std::collections::BTreeSet;
use std::time::Duration;

use prepl_core::Replica;
use prepl_crd::{AccessRequest, AskedRun, Mode};

use crate::cluster::context::Cluster;
use crate::cluster::fleet::{ClusterFleet, Scope};
use crate::command::Global;
use crate::problem::Problem;

/// How long looking may take.
const LASTING: Duration = Duration::from_secs(10);

/// Where a replica is: in the run, in the cluster, or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// In both.
    Same,
    /// In both, and it is another than the run says.
    Misnamed,
    /// In the run alone.
    Gone,
    /// In the cluster alone, of a workload of the run.
    New,
    /// In the run; whether it is there is not known.
    Unknown,
}

/// The replicas that the viewer may inspect where the request lies; a sentence where he may not.
pub async fn look(
    global: &Global,
    cluster: &Cluster,
    request: &AccessRequest,
) -> Result<Vec<Replica>, Problem> {
    if request.spec.run.is_none() {
        return Ok(Vec::new());
    }
    let scope = match cluster.namespace == global.cluster.operator_namespace {
        true => Scope::All,
        false => Scope::One(Some(cluster.namespace.clone())),
    };
    let fleet = ClusterFleet::open(&global.cluster, &scope, Mode::Inspect, LASTING).await?;
    Ok(fleet.listed.replicas)
}

/// Every replica of a run and of its workloads: what became of it, and its name.
pub fn changes(run: &AskedRun, now: Option<&[Replica]>) -> Vec<(Change, String)> {
    let uids: BTreeSet<&str> = run.replicas.iter().map(|one| &*one.uid).collect();
    let there = |uid: &str| now.map(|now| now.iter().find(|one| &*one.id.uid == uid));
    let asked = run.replicas.iter().map(|one| {
        let told = format!("{}/{} of {}", one.namespace, one.name, one.workload);
        let name = format!("{}/{}", one.namespace, one.name);
        match there(&one.uid) {
            None => (Change::Unknown, name),
            Some(None) => (Change::Gone, name),
            Some(Some(live)) => match format!("{} of {}", live.id, live.workload) {
                really if really == told => (Change::Same, name),
                really => (Change::Misnamed, format!("{told}, which is {really}")),
            },
        }
    });
    let of_run = |replica: &&Replica| {
        let workload = replica.workload.to_string();
        let same = |one: &prepl_crd::NamedReplica| {
            *one.namespace == *replica.id.namespace && one.workload == workload
        };
        !uids.contains(&*replica.id.uid) && run.replicas.iter().any(same)
    };
    let new = now.unwrap_or_default().iter().filter(of_run);
    let new = new.map(|replica| (Change::New, replica.id.to_string()));
    asked.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example::api_fleet;
    use crate::request::list::tests::request;

    #[test]
    fn what_went_and_what_came_is_told() {
        let mut fleet = api_fleet(3);
        for (replica, uid) in fleet.iter_mut().zip(["uid-api-2", "new", "other"]) {
            replica.id.namespace = "shop".into();
            replica.id.uid = uid.into();
            replica.workload.name = "api".into();
            replica.workload.kind = "deployment".into();
        }
        fleet[0].id.name = "api-2".into();
        fleet[2].workload.name = "web".into();
        let run = request(|_| {}).spec.run.unwrap();
        let changes: Vec<_> =
            changes(&run, Some(&fleet)).into_iter().map(|(change, _)| change).collect();
        assert_eq!(changes, [Change::Gone, Change::Same, Change::New]);
        fleet[0].id.name = "bank-1".into();
        let (change, name) = super::changes(&run, Some(&fleet)).swap_remove(1);
        assert_eq!(change, Change::Misnamed);
        assert_eq!(name, "shop/api-2 of deployment/api, which is shop/bank-1 of deployment/api");
        let unknown = super::changes(&run, None);
        assert!(unknown.iter().all(|(change, _)| *change == Change::Unknown), "{unknown:?}");
    }
}
