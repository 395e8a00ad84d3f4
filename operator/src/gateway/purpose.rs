//! What an access is good for: whatever its user may, one run that others approved, or a
//! break-glass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Origin, Replica, Selection};
use prepl_crd::{AccessRequest, AskedRun, NamedReplica};
use prepl_policy::{Grounds, Request, Subject};

use super::access::{Caller, Refused, Scope};
use super::service::Start;

/// What an access is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Whatever its user may.
    Any,
    /// One run.
    Run(Arc<OneRun>),
    /// Whatever its user may, without approvals.
    BreakGlass {
        /// How long it lasts in all.
        lasting: Duration,
    },
}

/// The run that an access is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneRun {
    /// It.
    pub run: AskedRun,
    /// What its approvals are of.
    pub subject: Subject,
    /// Why it is asked for, as those who approve it read.
    pub grounds: (Option<String>, Option<String>),
}

impl Purpose {
    /// What an access request asks for.
    #[must_use]
    pub fn of(request: &AccessRequest) -> Purpose {
        let spec = &request.spec;
        match (&spec.run, request.subject()) {
            (Some(run), Some(subject)) => Purpose::Run(Arc::new(OneRun {
                run: run.clone(),
                subject,
                grounds: (spec.reason.clone(), spec.ticket.clone()),
            })),
            _ if spec.break_glass => {
                Purpose::BreakGlass { lasting: Duration::from_secs(spec.ttl_seconds.into()) }
            }
            _ => Purpose::Any,
        }
    }

    /// Whether approvals are skipped.
    #[must_use]
    pub fn breaks_glass(&self) -> bool {
        matches!(self, Purpose::BreakGlass { .. })
    }
}

/// Why an access for one run is not good for what is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotThatRun {
    /// A tunnel.
    #[error("this access is for one run, and opens no tunnel; ask for another")]
    Tunnel,
    /// Another request id.
    #[error("this access is for one run, and this is another one; ask again for this one")]
    OtherRequest,
    /// Another text.
    #[error(
        "this access is for one run, and its expression is another than this one; ask again for \
         this one"
    )]
    OtherExpression,
    /// Of another file, or another place of it.
    #[error(
        "this access is for one run, and its expression is of another file or place than this one; \
         ask again for this one"
    )]
    OtherFile,
    /// Another session or namespace.
    #[error(
        "this access is for one run, in another session or namespace of the app; ask again for \
         this one"
    )]
    OtherSession,
    /// Not the replicas that it names.
    #[error("this access is for one run, on other replicas than these; ask again for these")]
    OtherReplicas,
    /// Their names are not those that approvers read.
    #[error("this access is for one run, which names {0} otherwise than it is; ask again for it")]
    OtherNames(String),
    /// All namespaces at once.
    #[error(
        "approvals and break-glass are of one namespace, and this access is for all; name the \
         namespace with -n"
    )]
    Everywhere,
    /// Another reason or ticket.
    #[error("this access is for one run, with another reason or ticket; ask again with these")]
    OtherGrounds,
    /// With input.
    #[error(
        "this access is for one run, and nobody has approved what it would read; ask without input"
    )]
    Interactive,
    /// Read-only, or no longer.
    #[error("this access is for one run, which was read-only or is not; ask again for this one")]
    OtherReadOnly,
    /// Not all of them are there.
    #[error(
        "the replica set has changed: {gone} of the {all} replicas of this run are gone; ask \
         again, for those that are there now"
    )]
    Changed {
        /// How many are not there.
        gone: usize,
        /// How many there were.
        all: usize,
    },
}

impl From<NotThatRun> for Refused {
    fn from(not: NotThatRun) -> Refused {
        Refused::Denied(not.to_string())
    }
}

/// Whether a caller's access is good for the run that he starts, over what of it is there.
pub fn started(caller: &Caller, start: &Start, there: &Selection) -> Result<(), NotThatRun> {
    of_one_namespace(caller)?;
    let Purpose::Run(one) = &caller.purpose else { return Ok(()) };
    let (run, plan) = (&one.run, &start.plan);
    let session = plan.session.as_ref().map(|name| name.as_str());
    if plan.request.to_string() != run.request_id {
        return Err(NotThatRun::OtherRequest);
    }
    if (session, plan.namespace.as_deref()) != (run.session.as_deref(), run.namespace.as_deref()) {
        return Err(NotThatRun::OtherSession);
    }
    if plan.interactive {
        return Err(NotThatRun::Interactive);
    }
    if plan.read_only != run.read_only {
        return Err(NotThatRun::OtherReadOnly);
    }
    one.has_text(plan.expression.as_str())?;
    one.stands_there(&plan.origin)?;
    // To recall runs nothing: it may be asked of some of them, and when others are gone.
    one.has_grounds(&start.grounds)?;
    if plan.recall {
        return one.names(&start.uids);
    }
    one.has_replicas(&start.uids)?;
    one.is_told_truly(there)?;
    let (all, there) = (start.uids.len(), there.len());
    let changed = NotThatRun::Changed { gone: all.saturating_sub(there), all };
    if there == all { Ok(()) } else { Err(changed) }
}

/// The same for who asks only what the policies would say.
pub fn judged(
    caller: &Caller,
    uids: &[Arc<str>],
    request: &Request,
    there: &Selection,
) -> Result<(), NotThatRun> {
    of_one_namespace(caller)?;
    let Purpose::Run(one) = &caller.purpose else { return Ok(()) };
    one.has_text(request.expression.as_ref().map(|text| text.as_str()).unwrap_or_default())?;
    if request.read_only != one.run.read_only {
        return Err(NotThatRun::OtherReadOnly);
    }
    one.has_grounds(&request.grounds)?;
    one.has_replicas(uids)?;
    one.is_told_truly(there)
}

/// What others say to a request, they say in its namespace: it is that of the replicas.
fn of_one_namespace(caller: &Caller) -> Result<(), NotThatRun> {
    match (&caller.purpose, &caller.scope) {
        (Purpose::Any, _) | (_, Scope::Namespace(_)) => Ok(()),
        (Purpose::Run(_) | Purpose::BreakGlass { .. }, Scope::All) => Err(NotThatRun::Everywhere),
    }
}

/// An access for one run opens no tunnel.
pub fn no_tunnel(caller: &Caller) -> Result<(), NotThatRun> {
    of_one_namespace(caller)?;
    match caller.purpose {
        Purpose::Run(_) => Err(NotThatRun::Tunnel),
        Purpose::Any | Purpose::BreakGlass { .. } => Ok(()),
    }
}

impl OneRun {
    fn has_text(&self, text: &str) -> Result<(), NotThatRun> {
        let same = text == self.run.expression;
        same.then_some(()).ok_or(NotThatRun::OtherExpression)
    }

    fn stands_there(&self, origin: &Origin) -> Result<(), NotThatRun> {
        let same = self.run.origin().as_ref() == Ok(origin);
        same.then_some(()).ok_or(NotThatRun::OtherFile)
    }

    fn has_grounds(&self, grounds: &Grounds) -> Result<(), NotThatRun> {
        let (reason, ticket) = &self.grounds;
        let same = (grounds.reason(), grounds.ticket()) == (reason.as_deref(), ticket.as_deref());
        same.then_some(()).ok_or(NotThatRun::OtherGrounds)
    }

    fn has_replicas(&self, uids: &[Arc<str>]) -> Result<(), NotThatRun> {
        let all: BTreeSet<&str> = uids.iter().map(|uid| &**uid).collect();
        let same = all == self.uids() && uids.len() == self.run.replicas.len();
        same.then_some(()).ok_or(NotThatRun::OtherReplicas)
    }

    /// Whoever approves reads names, and what runs goes by UIDs: both are of the same pods.
    fn is_told_truly(&self, there: &Selection) -> Result<(), NotThatRun> {
        let told: BTreeMap<&str, &NamedReplica> =
            self.run.replicas.iter().map(|one| (one.uid.as_str(), one)).collect();
        let differs = |live: &&Replica| {
            told.get(&*live.id.uid).is_none_or(|told| {
                (&*live.id.namespace, &*live.id.name, live.workload.to_string())
                    != (&*told.namespace, &*told.name, told.workload.clone())
            })
        };
        match there.replicas().iter().find(differs) {
            None => Ok(()),
            Some(live) => Err(NotThatRun::OtherNames(live.id.to_string())),
        }
    }

    fn names(&self, uids: &[Arc<str>]) -> Result<(), NotThatRun> {
        let own = self.uids();
        let all = uids.iter().all(|uid| own.contains(&**uid));
        all.then_some(()).ok_or(NotThatRun::OtherReplicas)
    }

    fn uids(&self) -> BTreeSet<&str> {
        self.run.replicas.iter().map(|one| one.uid.as_str()).collect()
    }
}
