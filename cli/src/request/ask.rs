//! How a run comes to wait for others: asked for by name, and started once they approved it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use prepl_core::{Replica, Selection};
use prepl_crd::asked_run::{MAX_EXPRESSION_BYTES, MAX_REPLICAS, SourceFile};
use prepl_crd::{AccessRequest, AskedRun, Mode, NamedReplica};
use prepl_gateway::{Grounds, Judged, Plan, Rule, Ruling};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::kept::{Pace, Place};
use super::run::Starting;
use crate::cluster::access::{self, LONGEST, Wanted};
use crate::cluster::fleet::ClusterFleet;
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::quantity::show_duration;
use crate::reach::{self, Reach};
use crate::render::safe::{self, Layout};
use crate::render::{self, Format};

/// How long others may take while somebody waits for them.
const WAITING: Duration = Duration::from_secs(3600);
/// Time between two looks at what they said.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What somebody does until others approved his run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// He waits, and sees how long.
    Waits {
        /// Whether that is drawn.
        drawn: bool,
    },
    /// He comes back later.
    ComesBack,
}

/// A run that others are asked to approve.
pub struct Pending {
    /// Good for that run alone.
    pub reach: Reach,
    /// Where its key is kept.
    pub place: Place,
    request: AccessRequest,
    owed: Rule,
}

/// What a denied run lacks, when it lacks nothing but approvals: the rule that wants most of them.
pub async fn owed(reach: &Reach, starting: &Starting) -> Option<Rule> {
    let request = reach::request(&starting.plan, starting.grounds.clone());
    let (judged, _) = reach.judge(&starting.selection, &request).await.ok()?;
    only_owed(&judged)
}

fn only_owed(judged: &Judged) -> Option<Rule> {
    let missing = |rule: &Rule| match &rule.ruling {
        Ruling::Owed(owed) => Some(owed.missing),
        _ => None,
    };
    let against = || judged.rules.iter().filter(|rule| !rule.ruling.allows());
    let all = against().all(|rule| missing(rule).is_some());
    against().filter(|_| all).max_by_key(|rule| missing(rule)).cloned()
}

/// Asks others to approve a run; its key is kept, so that it can go on whatever happens here.
pub async fn ask(
    global: &Global,
    fleet: &ClusterFleet,
    starting: &Starting,
    (owed, patience): (Rule, Patience),
) -> Result<Pending, Problem> {
    access::of_one_namespace(&fleet.cluster.namespace, &global.cluster.operator_namespace)?;
    let lasting = match patience {
        Patience::Waits { .. } => WAITING.max(starting.lasting() * 2).min(LONGEST),
        Patience::ComesBack => LONGEST,
    };
    let run = asked_run(&starting.selection, &starting.plan)?;
    let grounds = starting.grounds.clone();
    let wanted = Wanted { mode: Mode::Eval, lasting, grounds, break_glass: false, run: Some(run) };
    let made = access::make(&fleet.cluster, wanted).await?;
    let name = made.request.metadata.name.clone().unwrap_or_default();
    let place = Place::of(&fleet.cluster, &name)?;
    place.keep(&made.bundle, &Pace::of(&starting.plan))?;
    let fleet = ClusterFleet::with(&global.cluster, fleet.cluster.clone(), made.bundle).await?;
    Ok(Pending { reach: Reach::Cluster(Box::new(fleet)), place, request: made.request, owed })
}

/// The run as others are to read it.
fn asked_run(selection: &Selection, plan: &Plan) -> Result<AskedRun, Problem> {
    let (size, count) = (plan.expression.as_str().len(), selection.len());
    if size > MAX_EXPRESSION_BYTES || count > MAX_REPLICAS {
        let words = format!(
            "a run that others approve has at most {MAX_EXPRESSION_BYTES} bytes and {MAX_REPLICAS} \
             replicas, and this one {size} and {count}"
        );
        return Err(Problem::denied(words).hint("choose fewer replicas, or a shorter expression"));
    }
    Ok(AskedRun {
        request_id: plan.request.to_string(),
        expression: plan.expression.as_str().to_owned(),
        file: SourceFile::of(&plan.origin),
        session: plan.session.as_ref().map(|name| name.as_str().to_owned()),
        namespace: plan.namespace.as_deref().map(str::to_owned),
        read_only: plan.read_only,
        replicas: selection.replicas().iter().map(named).collect(),
    })
}

fn named(replica: &Replica) -> NamedReplica {
    NamedReplica {
        namespace: replica.id.namespace.to_string(),
        name: replica.id.name.to_string(),
        uid: replica.id.uid.to_string(),
        workload: replica.workload.to_string(),
    }
}

impl Pending {
    fn name(&self) -> &str {
        self.request.metadata.name.as_deref().unwrap_or_default()
    }

    /// `NAME -n NAMESPACE`, as commands want it.
    fn words(&self) -> String {
        let namespace = self.request.metadata.namespace.as_deref().unwrap_or_default();
        format!("{} -n {namespace}", self.name())
    }

    fn end(&self) -> Timestamp {
        let created = self.request.metadata.creation_timestamp.as_ref();
        let created = created.map_or_else(Timestamp::now, |time| time.0);
        let lasting = Duration::from_secs(self.request.spec.ttl_seconds.into());
        created.checked_add(lasting).unwrap_or(created)
    }

    /// The one line about who is asked for what.
    pub fn tell(&self, console: &Console) {
        let Rule { policy, ruling, .. } = &self.owed;
        let line = format!(
            "{ruling} ({policy}); until {} somebody else can give it: prepl request approve {}",
            self.end(),
            self.words()
        );
        console.tell(&format!("{}\n", safe::text(&line, Layout::Line)));
    }

    /// What is written by who comes back later.
    pub fn later(&self, format: Format, console: &mut Console) {
        let data = json!({
            "request": self.name(),
            "namespace": self.request.metadata.namespace,
            "until": self.end().to_string(),
            "exit_code": prepl_core::ExitCode::Waiting.number(),
        });
        let plain = || format!("{}\n", safe::text(self.name(), Layout::Line));
        console.answer(&render::document(format, "request", data).unwrap_or_else(plain));
        let next = format!("then: prepl request run {}", self.words());
        console.tell(&format!("{}\n", safe::text(&next, Layout::Line)));
    }

    /// Waits until nothing is against the run any more, or until something else is.
    pub async fn until_approved(
        &self,
        starting: &Starting,
        drawn: bool,
        console: &Console,
    ) -> Result<(), Problem> {
        let begun = Instant::now();
        let drawn = drawn && console.err_terminal;
        let waited = tokio::select! {
            waited = self.look(starting, |missing| if drawn { draw(console, begun, missing) }) => waited,
            _ = tokio::signal::ctrl_c() => Err(Problem::interrupted(format!(
                "interrupted; request {} stays, and nothing ran", self.name()
            ))
            .hint(format!("once it is approved: prepl request run {}", self.words()))),
        };
        if drawn {
            console.tell("\r\x1b[K");
        }
        waited
    }

    /// A gateway that does not answer is asked again: others take longer than it does.
    async fn look(&self, starting: &Starting, tell: impl Fn(u32)) -> Result<(), Problem> {
        let request = reach::request(&starting.plan, starting.grounds.clone());
        loop {
            match self.reach.judge(&starting.selection, &request).await {
                Err(denied) if denied.code == prepl_core::ExitCode::Denied => return Err(denied),
                Err(failed) if Timestamp::now() >= self.end() => return Err(failed),
                Err(_) => {}
                // What is gone the gateway tells to who starts it.
                Ok((_, 1..)) => return Ok(()),
                Ok((judged, 0)) => match (judged.denied(), only_owed(&judged)) {
                    (None, _) => return Ok(()),
                    (Some(_), Some(Rule { ruling: Ruling::Owed(owed), .. })) => tell(owed.missing),
                    (Some(against), _) => return Err(Problem::denied(against)),
                },
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn draw(console: &Console, begun: Instant, missing: u32) {
    let line = format!("waiting, {missing} missing   {}", show_duration(begun.elapsed()));
    let line: String = line.chars().take(console.err_width().saturating_sub(1)).collect();
    console.tell(&format!("\r{line}\x1b[K"));
}

/// What a break-glass run is told before it starts, whoever wants it quiet.
pub fn warn(request: &AccessRequest, console: &Console) {
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
    let line = format!(
        "BREAK-GLASS: this runs without approvals; it is recorded under your name, everybody sees \
         the event, and somebody else has to look at it: prepl request review {name} -n {namespace}"
    );
    console.tell(&format!("{}\n", safe::text(&line, Layout::Line)));
}

/// How long an access by break-glass lasts: as long as the run may take, and ten minutes at most.
pub fn break_glass(lasting: Duration, grounds: &Grounds) -> Wanted {
    let lasting = (lasting + Duration::from_secs(60)).min(Duration::from_secs(600));
    let grounds = grounds.clone();
    Wanted { mode: Mode::Eval, lasting, grounds, break_glass: true, run: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Limits, Reason};
    use prepl_gateway::Owed;

    fn judged(rulings: Vec<Ruling>) -> Judged {
        let rule = |ruling| Rule { policy: "p".into(), rule: "r".into(), ruling };
        Judged { rules: rulings.into_iter().map(rule).collect(), limits: Limits::default() }
    }

    fn owes(missing: u32) -> Ruling {
        Ruling::Owed(Owed { missing, uncounted: Vec::new() })
    }

    #[test]
    fn others_are_asked_only_when_that_is_all_that_lacks() {
        let most = only_owed(&judged(vec![owes(1), Ruling::Pass, owes(2), owes(1)])).unwrap();
        assert_eq!(most.ruling, owes(2));
        assert!(only_owed(&judged(vec![owes(1), Ruling::Fail(Reason::new("no"))])).is_none());
        assert!(only_owed(&judged(vec![owes(1), Ruling::Open])).is_none());
        assert!(only_owed(&judged(vec![Ruling::Pass])).is_none());
    }

    #[test]
    fn break_glass_is_short() {
        let lasting = |seconds| break_glass(Duration::from_secs(seconds), &Grounds::default());
        assert_eq!(lasting(30).lasting, Duration::from_secs(90));
        assert_eq!(lasting(9000).lasting, Duration::from_secs(600));
    }
}
