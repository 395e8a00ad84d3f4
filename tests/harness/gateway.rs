//! A gateway of a cluster without Kubernetes: the real door, wire and conduct of runs. Pods are a
//! fixed list, and rights a switch.

use std::sync::Arc;

use prepl_audit::Moment;
use prepl_core::{Reason, Replica, Selection};
use prepl_gateway::claim::Shown;
use prepl_gateway::local::policies;
use prepl_gateway::remote::client::wire_described;
use prepl_gateway::remote::{judging, wire};
use prepl_gateway::{
    Dialer, Gateway, Known, Mode, Request as Ask, Scripts, Verdict, Verdicts, decide, judge,
};
use prepl_identity::{Credentials, Holder};
use prepl_operator::gateway::access::Refused;
use prepl_operator::gateway::attach::Told;
use prepl_operator::gateway::audit::{self, AuditFiles};
use prepl_operator::gateway::conduct::{Conduct, gone};
use prepl_operator::gateway::doorkeeper::{AccessOnly, Guest};
use prepl_operator::gateway::end_session::RunSession;
use prepl_operator::gateway::fleet::find;
use prepl_operator::gateway::service::{Start, bad, first_command, guest};
use prepl_operator::gateway::start::{MAX_CONNECTIONS, MAX_MESSAGE};
use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use prepl_proto::v1::gateway_server::{Gateway as Service, GatewayServer};
use prepl_runtime::door;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

use crate::{Records, asker, attached};

/// The right to evaluate, for everybody; whoever holds the sender gives and takes it.
pub type Rights = watch::Receiver<bool>;

const DENIED: &str = "the test denies it";

/// It denies nobody who names no ticket.
const POLICY: &str = "[ticket]\npattern = \"^INC-\"";

/// What one gateway knows.
#[derive(Clone)]
pub struct ClusterGateway {
    pub(crate) replicas: Arc<[Replica]>,
    pub(crate) dialer: Dialer,
    rights: Rights,
    runs: watch::Sender<usize>,
    pub(crate) records: Records,
    files: AuditFiles,
}

impl ClusterGateway {
    /// A gateway over these replicas; `runs` counts those that it takes.
    pub fn new(
        credentials: &Credentials,
        replicas: &[Replica],
        rights: Rights,
        runs: watch::Sender<usize>,
        records: Records,
    ) -> ClusterGateway {
        let dialer = Dialer::new(credentials);
        let files = AuditFiles::in_folder(records.folder());
        ClusterGateway { replicas: replicas.into(), dialer, rights, runs, records, files }
    }

    /// Serves until `stop` completes and the runs have ended.
    pub async fn serve(
        self,
        listener: TcpListener,
        credentials: &Credentials,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let service = GatewayServer::new(self).max_decoding_message_size(MAX_MESSAGE);
        let (doorkeeper, routes) = (AccessOnly::default(), Routes::new(service));
        door::serve(listener, credentials, MAX_CONNECTIONS, doorkeeper, routes, stop).await
    }

    async fn start(&self, guest: Guest, start: Start) -> Result<Conduct, Status> {
        let user = user(&guest);
        let user = user.as_str();
        let Start { uids, plan, grounds, signed } = start;
        let asked = find(&uids, self.replicas.to_vec());
        let request = Ask {
            mode: Mode::Eval,
            read_only: plan.read_only,
            limits: plan.limits,
            expression: Some(plan.expression.clone()),
            grounds,
        };
        let permit = self.verdicts(&asked.selection, &request)?.permit();
        let permit = permit.map_err(|denied| Refused::Denied(denied.to_string()))?;
        self.runs.send_modify(|runs| *runs += 1);
        let gone = gone(asked.gone, plan.recall);
        let shown = signed.map(|signed| Shown::of(signed, &uids));
        let recorder = self.records.recorder().await;
        let name = plan.session.clone();
        let session = RunSession::of(name, &asked.selection, &self.dialer, user.into());
        let recorded = recorder.run(permit, plan, &asker(user)).await.map_err(Refused::from)?;
        let run = Gateway::new(self.dialer.on_behalf_of(user.into(), shown)).run(recorded);
        Ok(Conduct { run, places: asked.places, gone, session, guest })
    }

    /// What the one policy of these gateways says to who has the right.
    fn verdicts(&self, selection: &Selection, request: &Ask) -> Result<Verdicts, Refused> {
        let verdict = match *self.rights.borrow() {
            true => Verdict::Allowed,
            false => Verdict::Denied(Reason::new(DENIED)),
        };
        let permit = decide(selection, |_| verdict.clone());
        let permit = permit.map_err(|denial| Refused::Denied(denial.to_string()))?;
        let policy = policies::parse("the test's policy", POLICY).expect("a policy");
        Ok(judge(permit, request, &Known::default(), &[policy], &Scripts::new().judging()))
    }
}

/// Completes when the right is taken away.
async fn denied(mut rights: Rights) -> Refused {
    let taken = rights.wait_for(|allowed| !allowed).await.map(drop);
    taken.expect("the switch is there as long as its gateway");
    Refused::Denied(DENIED.into())
}

/// The user behind an access: in these tests an access has his name.
fn user(guest: &Guest) -> String {
    match &*guest.holder {
        Holder::Access { name, .. } => name.to_string(),
        other => panic!("{other} was let in"),
    }
}

#[tonic::async_trait]
impl Service for ClusterGateway {
    type RunStream = ReceiverStream<Result<v1::ReportBatch, Status>>;

    async fn list(
        &self,
        request: Request<v1::ListRequest>,
    ) -> Result<Response<v1::ListReply>, Status> {
        guest(&request)?;
        let replicas = self.replicas.iter().cloned().map(v1::ListedReplica::from).collect();
        Ok(Response::new(v1::ListReply { replicas, hidden_workloads: 0 }))
    }

    async fn describe_replicas(
        &self,
        request: Request<v1::DescribeReplicasRequest>,
    ) -> Result<Response<v1::DescribeReplicasReply>, Status> {
        guest(&request)?;
        let wire = request.into_inner();
        let uids = wire::uids(wire.uids).map_err(bad)?;
        let patience = std::time::Duration::from_millis(wire.patience_ms.into());
        let asked = find(&uids, self.replicas.to_vec());
        let width = wire::width(wire.width).map_err(bad)?;
        let gateway = Gateway::new(self.dialer.clone());
        let told = gateway.describe(&asked.selection, patience, width).await;
        let described = told.into_iter().map(wire_described).collect();
        Ok(Response::new(v1::DescribeReplicasReply { described }))
    }

    async fn run(
        &self,
        request: Request<Streaming<v1::RunCommand>>,
    ) -> Result<Response<Self::RunStream>, Status> {
        let guest = guest(&request)?;
        let mut commands = request.into_inner();
        let start = first_command(&mut commands).await?;
        let conduct = self.start(guest, start).await?;
        let (messages, stream) = mpsc::channel(4);
        tokio::spawn(conduct.to_the_end(commands, messages, denied(self.rights.clone())));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn end_session(
        &self,
        request: Request<v1::EndSessionsRequest>,
    ) -> Result<Response<v1::EndSessionsReply>, Status> {
        let user = user(&guest(&request)?);
        let v1::EndSessionsRequest { uids, session } = request.into_inner();
        let there = find(&wire::uids(uids).map_err(bad)?, self.replicas.to_vec()).selection;
        let gateway = Gateway::new(self.dialer.on_behalf_of(user.into(), None));
        let name = session.parse().map_err(|_| bad(BadMessage("session name")))?;
        let ended = gateway.end_session(&there, &name).await;
        Ok(Response::new(v1::EndSessionsReply { ended: ended.try_into().expect("a small fleet") }))
    }

    async fn judge(
        &self,
        request: Request<v1::JudgeRequest>,
    ) -> Result<Response<v1::JudgeReply>, Status> {
        guest(&request)?;
        let (uids, request) = judging::request(request.into_inner()).map_err(bad)?;
        let asked = find(&uids, self.replicas.to_vec());
        let verdicts = self.verdicts(&asked.selection, &request)?;
        Ok(Response::new(judging::judge_reply(verdicts.judged(), asked.gone.len())))
    }

    type AuditStream = audit::Told;

    async fn audit(
        &self,
        request: Request<v1::AuditRequest>,
    ) -> Result<Response<audit::Told>, Status> {
        let user = user(&guest(&request)?);
        if !*self.rights.borrow() {
            return Err(Refused::Denied(DENIED.into()).into());
        }
        let since = Some(request.into_inner().since_ms).filter(|since| *since > 0);
        let since = since.map(Moment::from_millis);
        Ok(Response::new(self.files.tell(user, since, denied(self.rights.clone()))?))
    }

    type AttachStream = Told;

    async fn attach(
        &self,
        request: Request<Streaming<v1::AttachUp>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let (user, denied) = (user(&guest(&request)?), denied(self.rights.clone()));
        let ups = request.into_inner();
        let told = attached::lead(self, &user, denied, ups).await?;
        Ok(Response::new(told))
    }
}
