//! A fleet's folder: the gateway is in this process, and writes the audit log in the folder.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{
    ExitCode, Expression, Outcome, Reason, Refusal as Refused, Replica, RequestId, Selection,
    SessionName,
};
use prepl_gateway::gateway::Described;
use prepl_gateway::local::{Fleet, FleetUser, Records, records};
use prepl_gateway::record::Refusal;
use prepl_gateway::{
    Asker, Denied, Dialer, Gateway, Grounds, Judged, NotRecorded, Plan, RecordedRun, Recorder,
    Request, Tunnel, TunnelRecord,
};
use tokio::sync::OnceCell;

use crate::problem::Problem;
use crate::render::safe::{self, Layout};
use crate::{ids, reach, state};

/// How long a replica may take to open a tunnel.
const ATTACH_PATIENCE: Duration = Duration::from_secs(10);
/// The folder of the ends of logs in the user's folder.
pub const ANCHORS: &str = "anchors";

/// An open fleet and its user.
pub struct Folder {
    fleet: Fleet,
    user: FleetUser,
    /// Keeps its connections.
    dialer: Dialer,
    /// Opened by what is recorded first.
    records: Arc<OnceCell<Records>>,
}

impl Folder {
    /// The user's way to a fleet.
    pub fn of(fleet: Fleet) -> Result<Folder, Problem> {
        let user = fleet.user().map_err(|error| Problem::of(&error))?;
        let dialer = user.dialer();
        Ok(Folder { fleet, user, dialer, records: Arc::default() })
    }

    /// The same way to the fleet as its folder is now: replicas and policies may be others.
    pub fn again(&self) -> Result<Folder, Problem> {
        let fleet = Fleet::open(self.fleet.folder()).map_err(|error| Problem::of(&error))?;
        let user = fleet.user().map_err(|error| Problem::of(&error))?;
        let there = |uid: &str| fleet.replicas().iter().any(|replica| *replica.id.uid == *uid);
        self.dialer.keep_only(there);
        let (dialer, records) = (self.dialer.clone(), Arc::clone(&self.records));
        Ok(Folder { fleet, user, dialer, records })
    }

    /// The folder, as it is found from anywhere.
    pub fn path(&self) -> PathBuf {
        let folder = self.fleet.folder();
        folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
    }

    /// The replicas in the order of the file.
    pub fn replicas(&self) -> &[Replica] {
        self.fleet.replicas()
    }

    /// Asks every replica what it is.
    pub async fn describe(
        &self,
        selection: &Selection,
        patience: Duration,
        width: NonZeroUsize,
    ) -> Vec<Described> {
        self.gateway().describe(selection, patience, width).await
    }

    /// Ends a session that the replicas keep for the user; gives how many had one.
    pub async fn end_session(&self, selection: &Selection, name: &SessionName) -> usize {
        self.gateway().end_session(selection, name).await
    }

    /// Asks what the policies say.
    pub fn judge(&self, selection: &Selection, request: &Request) -> Result<Judged, Problem> {
        let verdicts = self.user.judge(selection, request).map_err(Problem::denied)?;
        Ok(verdicts.judged().clone())
    }

    /// Starts a plan, when it is permitted and recorded.
    pub async fn start(
        &self,
        selection: &Selection,
        plan: Plan,
        grounds: Grounds,
    ) -> Result<RecordedRun, Problem> {
        let request = reach::request(&plan, grounds.clone());
        let recorder = self.recorder().await?;
        let asker = self.user.asker(grounds);
        let permit = match self.user.permit(selection, &request) {
            Ok(permit) => permit,
            Err(denied) => {
                let (request, expression) = (plan.request, Some(&plan.expression));
                let attempt = Attempt { request, expression, selection, asker: &asker };
                return Err(self.denied(recorder, attempt, &denied).await);
            }
        };
        let recorded = recorder.run(permit, plan, &asker).await;
        let recorded = recorded.map_err(|error| not_recorded(&error))?;
        Ok(self.gateway().run(recorded))
    }

    /// Records that the user may not, and tells him.
    async fn denied(&self, recorder: &Recorder, attempt: Attempt<'_>, denied: &Denied) -> Problem {
        let Attempt { request, expression, selection, asker } = attempt;
        let redaction = self.user.redaction();
        // What must not be written cannot be told from the rest, so nothing of it is.
        let expression = expression.filter(|_| redaction.is_some());
        let redaction = &redaction.unwrap_or_default();
        let why = &Reason::new(denied.to_string());
        recorder.denied(asker, Refusal { request, expression, selection, redaction, why }).await;
        Problem::denied(denied)
    }

    /// Opens a tunnel, when it is permitted and recorded.
    pub async fn attach(&self, replica: &Replica) -> Result<(Tunnel, TunnelRecord), Problem> {
        let selection = Selection::of(vec![replica.clone()]);
        let (recorder, request) = (self.recorder().await?, ids::request()?);
        let asker = self.user.asker(Grounds::default());
        let permit = match self.user.permit_to_attach(&selection) {
            Ok(permit) => permit,
            Err(denied) => {
                let (selection, asker) = (&selection, &asker);
                let attempt = Attempt { request, expression: None, selection, asker };
                return Err(self.denied(recorder, attempt, &denied).await);
            }
        };
        let recorded = recorder.tunnel(permit, request, &asker).await;
        let recorded = recorded.map_err(|error| not_recorded(&error))?;
        let tunnel = self.gateway().attach(recorded, ATTACH_PATIENCE).await;
        tunnel.map_err(|outcome| no_tunnel(&outcome))
    }

    /// Lines about the audit log that the user should know; empty before something is recorded.
    pub fn warnings(&self) -> String {
        let why = self.records.get().and_then(Records::not_anchored);
        why.map(|why| {
            format!("the end of the audit log is kept in the fleet's folder alone: {why}")
        })
        .map(|line| format!("warning: {}\n", safe::text(&line, Layout::Line)))
        .unwrap_or_default()
    }

    /// Waits until all that happened is recorded; to be called on the last of those that are one way.
    pub async fn close(self) -> Result<(), Problem> {
        let records = Arc::into_inner(self.records).and_then(OnceCell::into_inner);
        let Some(records) = records else { return Ok(()) };
        let closed = records.close().await;
        closed.map_err(|error| not_recorded(&error.into()))
    }

    fn gateway(&self) -> Gateway<Dialer> {
        Gateway::new(self.dialer.clone())
    }

    async fn recorder(&self) -> Result<&Recorder, Problem> {
        let open = || async {
            let own = state::folder().map(|state| state.join(ANCHORS));
            let anchors = own.and_then(|own| records::anchors(&own, self.fleet.folder()).ok());
            let opened = Records::open(self.fleet.folder(), anchors.as_deref()).await;
            opened.map_err(|error| {
                Problem::failed(format!("nothing is recorded, so nothing is run: {error}"))
            })
        };
        self.records.get_or_try_init(open).await.map(Records::recorder)
    }
}

/// What the user asks for.
struct Attempt<'a> {
    request: RequestId,
    /// A tunnel has none.
    expression: Option<&'a Expression>,
    selection: &'a Selection,
    asker: &'a Asker,
}

fn not_recorded(error: &NotRecorded) -> Problem {
    Problem::of(error)
}

fn no_tunnel(outcome: &Outcome) -> Problem {
    let words = outcome.reason().map(Reason::as_str).unwrap_or_default();
    let code = match outcome {
        Outcome::Refused(Refused::Denied(_)) => ExitCode::Denied,
        _ => ExitCode::Unreachable,
    };
    Problem { code, ..Problem::failed(words) }
}
