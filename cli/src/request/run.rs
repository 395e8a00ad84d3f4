//! A run that was approved, started; asked for again, its answers of then and nothing else.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::{ExitCode, Expression, Labels, Replica, ReplicaId, Selection, Workload};
use prepl_crd::{AccessRequest, AskedRun, NamedReplica};
use prepl_gateway::{Grounds, Plan};
use prepl_identity::{Bundle, Holder};

use super::kept::{Pace, Place};
use crate::cluster::context::Cluster;
use crate::cluster::fleet::ClusterFleet;
use crate::cluster::requests;
use crate::command::Global;
use crate::console::Console;
use crate::exec::{self, ShowArgs};
use crate::ids;
use crate::problem::Problem;
use crate::reach::{self, Reach};
use crate::render::Results;

/// What is to be started.
#[derive(Clone, Debug)]
pub struct Starting {
    /// Where.
    pub selection: Selection,
    /// What, and how.
    pub plan: Plan,
    /// Why.
    pub grounds: Grounds,
}

impl Starting {
    /// The longest that it can take where all replicas work at the same time.
    pub fn lasting(&self) -> Duration {
        self.plan.patience.deadline.unwrap_or(self.plan.limits.time())
    }
}

/// Runs what was approved.
pub async fn run(
    name: &str,
    show: &ShowArgs,
    global: &Global,
    cluster: &Cluster,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let request = requests::one(cluster, name).await?.request;
    let place = Place::of(cluster, name)?;
    let (bundle, pace) = place.read()?;
    let run = own(&request, &bundle)?;
    let fleet = ClusterFleet::with(&global.cluster, cluster.clone(), bundle).await?;
    let starting = Starting {
        selection: selection(run, &fleet.listed.replicas),
        plan: plan(run, &pace)?,
        grounds: grounds(&request)?,
    };
    let reach = Reach::Cluster(Box::new(fleet));
    if !pace.started {
        let asked = reach::request(&starting.plan, starting.grounds.clone());
        let (judged, _) = reach.judge(&starting.selection, &asked).await?;
        judged.denied().map_or(Ok(()), |against| Err(Problem::denied(against)))?;
    }
    let results = start(&place, &reach, starting, show, console).await?;
    Ok(exec::show(show, &results, console))
}

/// Starts it, and writes that down before: what may have run is never run again.
pub async fn start(
    place: &Place,
    reach: &Reach,
    starting: Starting,
    show: &ShowArgs,
    console: &mut Console,
) -> Result<Results, Problem> {
    let pace = Pace::of(&starting.plan);
    place.start(&pace)?;
    let recall = starting.plan.recall;
    match exec::follow(show, reach, starting, console).await {
        Ok(results) => Ok(results),
        Err(denied) if denied.code == ExitCode::Denied && !recall => {
            // A denial comes before anything is sent: it can still be run.
            place.unstart(&pace)?;
            Err(denied)
        }
        Err(failed) => Err(failed),
    }
}

/// The run of a request, if the key that is kept here is of this one and no earlier of its name.
fn own<'a>(request: &'a AccessRequest, bundle: &Bundle) -> Result<&'a AskedRun, Problem> {
    let uid = match &bundle.name().holder {
        Holder::Access { uid, .. } => Some(uid.to_string()),
        _ => None,
    };
    match &request.spec.run {
        Some(run) if uid.is_some() && uid == request.metadata.uid => Ok(run),
        Some(_) => Err(Problem::failed("the key that is kept here is of another request")),
        None => Err(Problem::usage("that request is for no single run")
            .hint("use prepl exec: it asks for access by itself")),
    }
}

/// The replicas of a run: as they are now, or by name where they are gone.
fn selection(run: &AskedRun, listed: &[Replica]) -> Selection {
    let found = |asked: &NamedReplica| listed.iter().find(|one| *one.id.uid == *asked.uid).cloned();
    Selection::of(run.replicas.iter().map(|one| found(one).unwrap_or_else(|| gone(one))).collect())
}

fn gone(asked: &NamedReplica) -> Replica {
    let (kind, name) = asked.workload.split_once('/').unwrap_or(("", &asked.workload));
    let nothing = || Arc::<str>::from("");
    Replica {
        id: ReplicaId {
            namespace: asked.namespace.as_str().into(),
            name: asked.name.as_str().into(),
            uid: asked.uid.as_str().into(),
        },
        workload: Workload { kind: kind.into(), name: name.into() },
        labels: Labels::default(),
        node: nothing(),
        zone: nothing(),
        version: nothing(),
        container: nothing(),
        address: nothing(),
    }
}

fn plan(run: &AskedRun, pace: &Pace) -> Result<Plan, Problem> {
    let session = run.session.as_deref().map(str::parse).transpose();
    Ok(Plan {
        run: ids::run()?,
        request: run.request_id.parse().map_err(Problem::failed)?,
        recall: pace.started,
        // Nobody approves what it would read.
        interactive: false,
        read_only: run.read_only,
        expression: Expression::new(run.expression.as_str()).map_err(Problem::failed)?,
        origin: run.origin().map_err(Problem::failed)?,
        session: session.map_err(Problem::failed)?,
        namespace: run.namespace.as_deref().map(Arc::from),
        limits: pace.limits,
        patience: pace.patience,
        width: pace.width,
        barrier: pace.barrier,
    })
}

fn grounds(request: &AccessRequest) -> Result<Grounds, Problem> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (reason, ticket) = (text(&request.spec.reason), text(&request.spec.ticket));
    Grounds::new(&reason, &ticket).map_err(Problem::failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use crate::request::list::tests::request;

    #[test]
    fn a_replica_that_is_gone_is_still_named() {
        let run = request(|_| {}).spec.run.unwrap();
        let mut there = example::replica("api-2", "2.41.0", 0);
        there.id.uid = "uid-api-2".into();
        let selection = selection(&run, &[there]);
        let seen: Vec<_> =
            selection.replicas().iter().map(|one| (&*one.id.uid, &*one.version)).collect();
        assert_eq!(seen, [("uid-api-1", ""), ("uid-api-2", "2.41.0")]);
        assert_eq!(&*selection.replicas()[0].workload.name, "api");
    }

    #[test]
    fn what_was_started_is_only_recalled() {
        let run = request(|_| {}).spec.run.unwrap();
        let pace = |started| Pace {
            limits: prepl_core::Limits::default(),
            patience: prepl_core::Patience { connect: Duration::from_secs(1), deadline: None },
            width: std::num::NonZeroUsize::MIN,
            barrier: false,
            started,
        };
        assert!(!plan(&run, &pace(false)).unwrap().recall);
        let again = plan(&run, &pace(true)).unwrap();
        assert!(again.recall && again.request.to_string() == run.request_id);
    }
}
