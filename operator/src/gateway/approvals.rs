//! What an access is good for: one run that others approved, a break-glass, or whatever its user
//! may; and what others said to it.
//!
//! Who counts is decided here and not where access is granted: policies differ by replica, approvals
//! grow old, and one more can come at any time. They are read when they are needed, and not kept.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams};
use kube::core::ObjectList;
use prepl_audit::AccessRef;
use prepl_core::Selection;
use prepl_crd::{AccessApproval, AccessRequest, AskedRun};
use prepl_policy::{Approval, BreakGlass, Grounds, Known, Request, Subject, approval};
use tokio::time::timeout;

use super::access::{Accesses, Caller, PATIENCE, Refused};
use super::judging::known;
use super::service::{GatewayService, Start};

/// Most words that are said to one request, and most break-glass accesses of one user.
const MAX_LISTED: u32 = 200;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// Another session or namespace.
    #[error(
        "this access is for one run, in another session or namespace of the app; ask again for \
         this one"
    )]
    OtherSession,
    /// Not the replicas that it names.
    #[error("this access is for one run, on other replicas than these; ask again for these")]
    OtherReplicas,
    /// Another reason or ticket.
    #[error("this access is for one run, with another reason or ticket; ask again with these")]
    OtherGrounds,
    /// Read-only, or no longer.
    #[error("this access is for one run, which was read-only or is not; ask again for this one")]
    OtherReach,
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
    let Purpose::Run(one) = &caller.purpose else { return Ok(()) };
    let (run, plan) = (&one.run, &start.plan);
    let session = plan.session.as_ref().map(|name| name.as_str());
    if plan.request.to_string() != run.request_id {
        return Err(NotThatRun::OtherRequest);
    }
    if (session, plan.namespace.as_deref()) != (run.session.as_deref(), run.namespace.as_deref()) {
        return Err(NotThatRun::OtherSession);
    }
    if plan.read_only != run.read_only {
        return Err(NotThatRun::OtherReach);
    }
    one.has_text(plan.expression.as_str())?;
    // To recall runs nothing: it may be asked of some of them, and when others are gone.
    if plan.recall {
        return one.names(&start.uids);
    }
    one.has_grounds(&start.grounds)?;
    one.has_replicas(&start.uids)?;
    let (all, there) = (start.uids.len(), there.len());
    let changed = NotThatRun::Changed { gone: all.saturating_sub(there), all };
    if there == all { Ok(()) } else { Err(changed) }
}

/// The same for who asks only what the policies would say.
pub fn judged(caller: &Caller, uids: &[Arc<str>], request: &Request) -> Result<(), NotThatRun> {
    let Purpose::Run(one) = &caller.purpose else { return Ok(()) };
    one.has_text(request.expression.as_ref().map(|text| text.as_str()).unwrap_or_default())?;
    if request.read_only != one.run.read_only {
        return Err(NotThatRun::OtherReach);
    }
    one.has_grounds(&request.grounds)?;
    one.has_replicas(uids)
}

/// An access for one run opens no tunnel.
pub fn no_tunnel(caller: &Caller) -> Result<(), NotThatRun> {
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

    fn names(&self, uids: &[Arc<str>]) -> Result<(), NotThatRun> {
        let own = self.uids();
        let all = uids.iter().all(|uid| own.contains(&**uid));
        all.then_some(()).ok_or(NotThatRun::OtherReplicas)
    }

    fn uids(&self) -> BTreeSet<&str> {
        self.run.replicas.iter().map(|one| one.uid.as_str()).collect()
    }
}

impl GatewayService {
    /// What is known of a caller who started so many runs within the last minute, and asks for one
    /// over these replicas.
    pub(super) async fn known(
        &self,
        caller: &Caller,
        earlier_runs: u32,
        selection: &Selection,
    ) -> Result<Known, Refused> {
        let known = known(caller, earlier_runs);
        match &caller.purpose {
            Purpose::Any => Ok(known),
            Purpose::Run(one) => {
                let said = self.accesses.said(&caller.access).await?;
                let approvals = approval::count(&caller.user.person(), &one.subject, &said);
                Ok(Known { approvals, ..known })
            }
            Purpose::BreakGlass { lasting } => {
                self.rights.break_glass(caller, selection).await?;
                let unreviewed = self.accesses.unreviewed(caller).await?;
                let break_glass = Some(BreakGlass { lasting: *lasting, unreviewed });
                Ok(Known { break_glass, ..known })
            }
        }
    }

    /// Makes a use of break-glass loud.
    pub(super) fn tell_break_glass(&self, caller: &Caller, selection: &Selection) {
        if caller.purpose.breaks_glass() {
            self.metrics.break_glass_runs.add();
            let (user, access) = (&*caller.user.username, &caller.access);
            let (namespace, request) = (&*access.namespace, &*access.name);
            let replicas = selection.len();
            tracing::warn!(user, namespace, request, replicas, "a run by break-glass");
        }
    }
}

impl Accesses {
    /// What others said to an access request.
    async fn said(&self, access: &AccessRef) -> Result<Vec<Approval>, Refused> {
        let approvals: Api<AccessApproval> =
            Api::namespaced(self.client.clone(), &access.namespace);
        let about = format!("spec.request.name={}", escaped(&access.name));
        let params = ListParams::default().fields(&about).limit(MAX_LISTED);
        let found = answered(approvals.list(&params)).await?;
        if is_cut(&found) {
            let words = format!("more than {MAX_LISTED} people had their say to this request");
            return Err(Refused::Denied(format!("{words}; ask for another run")));
        }
        let now = Timestamp::now();
        Ok(found.items.iter().map(|one| one.said(now)).collect())
    }

    /// How many other uses of break-glass by the same user wait for their review.
    async fn unreviewed(&self, caller: &Caller) -> Result<u32, Refused> {
        let requests: Api<AccessRequest> = Api::all(self.client.clone());
        let user = escaped(&caller.user.username);
        let his = format!("spec.breakGlass=true,spec.user.username={user}");
        let params = ListParams::default().fields(&his).limit(MAX_LISTED);
        let found = answered(requests.list(&params)).await?;
        if is_cut(&found) {
            return Ok(u32::MAX);
        }
        let other = |one: &&AccessRequest| one.metadata.uid.as_deref() != Some(&caller.access.uid);
        let owing = found.items.iter().filter(other).filter(|one| one.owes_review()).count();
        Ok(u32::try_from(owing).unwrap_or(u32::MAX))
    }
}

async fn answered<T>(asked: impl Future<Output = kube::Result<T>>) -> Result<T, Refused> {
    let answer = timeout(PATIENCE, asked).await.map_err(|_| Refused::NoAnswer)?;
    answer.map_err(|error| {
        tracing::warn!(%error, "approvals cannot be read");
        Refused::NoAnswer
    })
}

fn is_cut<K: Clone>(list: &ObjectList<K>) -> bool {
    list.metadata.continue_.as_ref().is_some_and(|more| !more.is_empty())
}

/// A value in a field selector.
fn escaped(value: &str) -> String {
    let special = |c: char| matches!(c, '\\' | ',' | '=');
    value.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_cannot_leave_its_place_in_a_selector() {
        assert_eq!(escaped("mira"), "mira");
        assert_eq!(escaped(r"CN=a,O=b\"), r"CN\=a\,O\=b\\");
    }
}
