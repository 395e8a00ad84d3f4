//! What others said to the run that an access is for, and what else is known of its user.
//!
//! Who counts is decided here and not where access is granted: policies differ by replica,
//! approvals grow old, and one more can come at any time. They are read when they are needed, and
//! not kept.

use std::future::Future;

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams};
use kube::core::ObjectList;
use prepl_audit::AccessRef;
use prepl_core::Selection;
use prepl_crd::{AccessApproval, AccessRequest, selector};
use prepl_policy::{Approval, BreakGlass, Known, approval};
use tokio::time::timeout;

use super::access::{Accesses, Caller, PATIENCE, Refused};
use super::judging::known;
use super::purpose::Purpose;
use super::service::GatewayService;

/// Most words that are said to one request, and most break-glass accesses of one user.
const MAX_LISTED: u32 = 200;

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
        let about = selector::approvals_of(&access.name);
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
        let his = selector::break_glass_of(&caller.user.username);
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
