//! What the policies say to a caller who has the right to what he asks.

use prepl_core::Selection;
use prepl_crd::Mode;
use prepl_gateway::Scripts;
use prepl_gateway::remote::judging;
use prepl_policy::{Known, Permit, Request, Verdicts, judge};
use prepl_proto::v1;
use tonic::Status;

use super::access::{Caller, Refused};
use super::doorkeeper::Guest;
use super::policies::Policies;
use super::purpose::{judged, no_tunnel};
use super::recent::Recent;
use super::rights::enough;
use super::service::{GatewayService, bad, too_many};

/// Judges by the cluster's policies.
#[derive(Clone)]
pub struct Judges {
    /// The policies.
    pub policies: Policies,
    /// Runs their scripts.
    pub scripts: Scripts,
    /// Counts runs.
    pub recent: Recent,
}

impl Judges {
    /// What all rules say to a request over what is permitted.
    pub async fn verdicts(
        &self,
        permit: Permit,
        request: Request,
        known: Known,
    ) -> Result<Verdicts, Refused> {
        let policies = self.policies.about(permit.selection());
        let scripts = self.scripts.clone();
        // Patterns and scripts take their time, and not that of other callers.
        let judged = tokio::task::spawn_blocking(move || {
            judge(permit, &request, &known, &policies, &scripts.judging())
        });
        judged.await.map_err(|error| {
            tracing::error!(%error, "policies cannot be judged");
            Refused::Denied("the policies cannot be judged; nothing was evaluated".into())
        })
    }

    /// The permit within all ceilings, or the first rule against it.
    pub async fn permit(
        &self,
        permit: Permit,
        request: Request,
        known: Known,
    ) -> Result<Permit, Refused> {
        let verdicts = self.verdicts(permit, request, known).await?;
        verdicts.permit().map_err(|denied| Refused::Denied(denied.to_string()))
    }
}

/// What is known of a caller who started so many runs within the last minute.
pub fn known(caller: &Caller, earlier_runs: u32) -> Known {
    Known { user: caller.user.username.as_str().into(), earlier_runs, ..Known::default() }
}

impl GatewayService {
    /// The right to a tunnel, as far as roles and policies go.
    pub(super) async fn permit_tunnel(
        &self,
        caller: &Caller,
        selection: &Selection,
    ) -> Result<Permit, Refused> {
        no_tunnel(caller)?;
        enough(caller, Mode::Attach)?;
        let permit = self.rights.permit(caller, Mode::Attach, selection).await?;
        self.judges.permit(permit, Request::tunnel(), known(caller, 0)).await
    }

    /// Answers a caller who only asks what the policies would say.
    pub(super) async fn answer(
        &self,
        guest: &Guest,
        wire: v1::JudgeRequest,
    ) -> Result<v1::JudgeReply, Status> {
        let (uids, request) = judging::request(wire).map_err(bad)?;
        let mode = match request.mode {
            prepl_policy::Mode::Attach => Mode::Attach,
            _ => Mode::Eval,
        };
        let caller = self.caller(guest).await?;
        enough(&caller, mode)?;
        let _place = guest.place_for_run().ok_or_else(too_many)?;
        let asked = self.fleet.asked(&uids, &caller.scope);
        let permit = self.rights.permit(&caller, mode, &asked.selection).await?;
        judged(&caller, &uids, &request, &asked.selection).map_err(Refused::from)?;
        let entry = self.judges.recent.enter(&caller.user.username);
        let known = self.known(&caller, entry.earlier, &asked.selection).await?;
        let verdicts = self.judges.verdicts(permit, request, known).await?;
        Ok(judging::judge_reply(verdicts.judged(), asked.gone.len()))
    }
}
