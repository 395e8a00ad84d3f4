//! The gRPC shell: who calls, what may he, call, encode.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Outcome, Reason, Selection};
use prepl_crd::Mode;
use prepl_gateway::claim::Shown;
use prepl_gateway::remote::client::wire_described;
use prepl_gateway::remote::{judging, wire};
use prepl_gateway::{Asker, Dialer, Gateway, Plan, Recorded, Recorder};
use prepl_policy::{Grounds, Permit};
use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use prepl_proto::v1::gateway_server::Gateway as Service;
use prepl_proto::v1::run_command::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::access::{Accesses, Caller, Refused};
use super::attach::Told;
use super::audit::{self, AuditFiles};
use super::conduct::{Conduct, gone};
use super::denials::Denials;
use super::doorkeeper::Guest;
use super::end_session::RunSession;
use super::fleet::{Asked, Fleet};
use super::judging::Judges;
use super::metrics::Metrics;
use super::purpose::started;
use super::recent::Entry;
use super::recording::{Attempt, approved, asker, careful};
use super::rights::{Rights, enough};
use super::signer::is_his;

/// Messages that may wait for a reader; then the run waits.
const WAITING_MESSAGES: usize = 4;
/// How long a caller may take to say what to run.
const FIRST_COMMAND: Duration = Duration::from_secs(10);

/// The service of one gateway.
#[derive(Clone)]
pub struct GatewayService {
    /// Looks accesses up.
    pub accesses: Accesses,
    /// Asks for rights.
    pub rights: Rights,
    /// Asks the policies.
    pub judges: Judges,
    /// The replicas.
    pub fleet: Fleet,
    /// Reaches them.
    pub dialer: Dialer,
    /// Records.
    pub recorder: Recorder,
    /// Which denials are recorded.
    pub denials: Denials,
    /// What is recorded.
    pub audit_files: AuditFiles,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl GatewayService {
    pub(super) async fn caller(&self, guest: &Guest) -> Result<Caller, Refused> {
        let caller = self.accesses.caller(&guest.holder).await;
        caller.inspect_err(|refused| self.metrics.refused(refused))
    }

    /// Whether the right of a run that is under way is still there. The policies were asked once.
    async fn permitted_run(&self, guest: &Guest, asked: &Asked) -> Result<(), Refused> {
        let caller = self.accesses.caller(&guest.holder).await?;
        self.rights.permit(&caller, Mode::Eval, &asked.selection).await.map(drop)
    }

    /// Whether a tunnel may still be there: nothing else ends it, so the policies are asked again.
    pub(super) async fn permitted_tunnel(
        &self,
        guest: &Guest,
        asked: &Asked,
    ) -> Result<(), Refused> {
        let caller = self.accesses.caller(&guest.holder).await?;
        self.permit_tunnel(&caller, &asked.selection).await.map(drop)
    }

    /// The right to a run, whoever asks for it, and that the run counts.
    async fn permit_run(
        &self,
        caller: &Caller,
        start: &Start,
        selection: &Selection,
    ) -> Result<(Permit, Asker), Refused> {
        enough(caller, Mode::Eval)?;
        started(caller, start, selection)?;
        let permit = self.rights.permit(caller, Mode::Eval, selection).await?;
        let request = prepl_policy::Request {
            mode: prepl_policy::Mode::Eval,
            limits: start.plan.limits,
            expression: Some(start.plan.expression.clone()),
            read_only: start.plan.read_only,
            grounds: start.grounds.clone(),
        };
        // To recall runs nothing.
        let entry = (!start.plan.recall).then(|| self.judges.recent.enter(&caller.user.username));
        let earlier = entry.as_ref().map_or(0, |entry| entry.earlier);
        let known = self.known(caller, earlier, selection).await?;
        let asker = approved(asker(caller, &start.grounds), &known.approvals);
        let permit = self.judges.permit(permit, request, known).await?;
        let permit = match selection.len() == start.uids.len() {
            true => permit,
            false => careful(permit, &self.judges.policies, &caller.scope)?,
        };
        entry.into_iter().for_each(Entry::keep);
        Ok((permit, asker))
    }

    async fn start(
        &self,
        guest: Guest,
        start: Start,
        commands: Streaming<v1::RunCommand>,
    ) -> Result<ReceiverStream<Result<v1::ReportBatch, Status>>, Status> {
        let place = guest.place_for_run().ok_or_else(too_many)?;
        let Permitted { recorded, caller, asked } = self.permitted(&guest, &start).await?;
        self.metrics.runs.add();
        self.tell_break_glass(&caller, &asked.selection);
        let gone = gone(asked.gone.clone(), start.plan.recall);
        let shown = start.signed.map(|signed| Shown::of(signed, &start.uids));
        let user: Arc<str> = caller.user.username.as_str().into();
        let (name, replicas) = (start.plan.session, &asked.selection);
        let session = RunSession::of(name, replicas, &self.dialer, Arc::clone(&user));
        let run = Gateway::new(self.dialer.on_behalf_of(user, shown)).run(recorded);
        let (places, caller) = (asked.places.clone(), guest.clone());
        let conduct = Conduct { run, places, gone, session, guest: caller };
        let (messages, stream) = mpsc::channel(WAITING_MESSAGES);
        let this = self.clone();
        tokio::spawn(async move {
            let allowed = || this.permitted_run(&guest, &asked);
            conduct.to_the_end(commands, messages, Accesses::until_denied(allowed)).await;
            drop(place);
        });
        Ok(ReceiverStream::new(stream))
    }

    /// A run that the caller has the right to and that is recorded; so is that he has not.
    async fn permitted(&self, guest: &Guest, start: &Start) -> Result<Permitted, Refused> {
        let nobody = Selection::of(Vec::new());
        let attempt = Attempt {
            guest,
            caller: None,
            grounds: &start.grounds,
            request: start.plan.request,
            expression: Some(&start.plan.expression),
            selection: &nobody,
        };
        let caller = match self.accesses.caller(&guest.holder).await {
            Ok(caller) => caller,
            Err(refused) => return Err(self.refuse(attempt, refused).await),
        };
        let asked = self.fleet.asked(&start.uids, &caller.scope);
        let attempt = Attempt { caller: Some(&caller), selection: &asked.selection, ..attempt };
        let recorded = async {
            is_his(guest, start.signed.as_ref())?;
            let (permit, asker) = self.permit_run(&caller, start, &asked.selection).await?;
            Ok(self.recorder.run(permit, start.plan.clone(), &asker).await?)
        };
        match recorded.await {
            Ok(recorded) => Ok(Permitted { recorded, caller, asked }),
            Err(refused) => Err(self.refuse(attempt, refused).await),
        }
    }
}

/// A run that may start.
struct Permitted {
    recorded: Recorded,
    caller: Caller,
    asked: Asked,
}

pub(super) fn too_many() -> Status {
    Status::resource_exhausted("too many runs of yours are under way")
}

#[tonic::async_trait]
impl Service for GatewayService {
    type RunStream = ReceiverStream<Result<v1::ReportBatch, Status>>;

    async fn list(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListReply>, Status> {
        let caller = self.caller(&guest(&request)?).await?;
        let replicas = self.fleet.replicas(&caller.scope);
        let (replicas, hidden) = self.rights.visible(&caller, replicas).await?;
        Ok(Response::new(v1::ListReply {
            replicas: replicas.into_iter().map(v1::ListedReplica::from).collect(),
            hidden_workloads: u32::try_from(hidden).unwrap_or(u32::MAX),
        }))
    }

    async fn describe_replicas(
        &self,
        request: Request<v1::DescribeReplicasRequest>,
    ) -> Result<Response<v1::DescribeReplicasReply>, Status> {
        let caller = self.caller(&guest(&request)?).await?;
        let wire = request.into_inner();
        let uids = wire::uids(wire.uids).map_err(bad)?;
        let patience =
            wire::connect(Duration::from_millis(wire.patience_ms.into())).map_err(bad)?;
        let width = wire::width(wire.width).map_err(bad)?;
        let asked = self.fleet.asked(&uids, &caller.scope);
        self.rights.permit(&caller, Mode::Inspect, &asked.selection).await?;
        let gateway = Gateway::new(self.dialer.clone());
        let told = gateway.describe(&asked.selection, patience, width).await;
        let is_gone = || Err(Outcome::NotStarted(Reason::new("the pod is gone")));
        let mut described: Vec<_> = uids.iter().map(|_| wire_described(is_gone())).collect();
        for (place, told) in asked.places.iter().zip(told) {
            if let Some(one) = described.get_mut(place.get()) {
                *one = wire_described(told);
            }
        }
        Ok(Response::new(v1::DescribeReplicasReply { described }))
    }

    async fn run(
        &self,
        request: Request<Streaming<v1::RunCommand>>,
    ) -> Result<Response<Self::RunStream>, Status> {
        let guest = guest(&request)?;
        let mut commands = request.into_inner();
        let start = first_command(&mut commands).await?;
        Ok(Response::new(self.start(guest, start, commands).await?))
    }

    async fn end_session(
        &self,
        request: Request<v1::EndSessionsRequest>,
    ) -> Result<Response<v1::EndSessionsReply>, Status> {
        let guest = guest(&request)?;
        Ok(Response::new(self.end_kept(&guest, request.into_inner()).await?))
    }

    async fn judge(
        &self,
        request: Request<v1::JudgeRequest>,
    ) -> Result<Response<v1::JudgeReply>, Status> {
        let guest = guest(&request)?;
        Ok(Response::new(self.answer(&guest, request.into_inner()).await?))
    }

    type AttachStream = Told;

    async fn attach(
        &self,
        request: Request<Streaming<v1::AttachUp>>,
    ) -> Result<Response<Told>, Status> {
        let guest = guest(&request)?;
        Ok(Response::new(self.lead(guest, request.into_inner()).await?))
    }

    type AuditStream = audit::Told;

    async fn audit(
        &self,
        request: Request<v1::AuditRequest>,
    ) -> Result<Response<audit::Told>, Status> {
        let guest = guest(&request)?;
        Ok(Response::new(self.tell_log(guest, request.into_inner()).await?))
    }
}

/// What a caller says first.
#[derive(Debug)]
pub struct Start {
    /// The UIDs of a selection.
    pub uids: Vec<Arc<str>>,
    /// What to do with it.
    pub plan: Plan,
    /// Why.
    pub grounds: Grounds,
    /// What the caller signed of it, for the replicas.
    pub signed: Option<v1::Signed>,
}

/// Waits for what a caller says first.
pub async fn first_command(commands: &mut Streaming<v1::RunCommand>) -> Result<Start, Status> {
    let first = timeout(FIRST_COMMAND, commands.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("nothing was asked"))??;
    let Some(Command::Start(mut start)) = first.and_then(|first| first.command) else {
        return Err(Status::invalid_argument("a run begins with its start"));
    };
    let grounds = judging::grounds(&start.reason, &start.ticket).map_err(bad)?;
    let signed = start.signed.take();
    let (uids, plan) = wire::plan(start).map_err(bad)?;
    Ok(Start { uids, plan, grounds, signed })
}

/// Who is at the other end of a request's connection.
pub fn guest<T>(request: &Request<T>) -> Result<Guest, Status> {
    let guest = request.extensions().get::<Guest>().cloned();
    guest.ok_or_else(|| Status::unauthenticated("the connection has no certificate"))
}

/// What is wrong with a message, for whoever sent it.
pub fn bad(bad: BadMessage) -> Status {
    Status::invalid_argument(bad.to_string())
}
