//! The calls of a gateway.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use prepl_audit::AttachClosed;
use prepl_core::ports::{Connect, Line};
use prepl_core::{Description, Outcome, Reason, Replica, Selection, SessionName};
use prepl_fanout::Plan;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dial::Dialer;
use crate::record::{Recorded, RecordedTunnel};
use crate::recorded_run::RecordedRun;
use crate::recorded_tunnel::{Scribe, TunnelRecord};
use crate::tunnel::Tunnel;

/// How long all replicas together may take to end a session.
const ENDING_PATIENCE: Duration = Duration::from_secs(2);
/// How many are asked for that at the same time.
const ENDING_WIDTH: usize = 64;

/// Reaches the replicas of one fleet.
#[derive(Debug)]
pub struct Gateway<C> {
    connect: Arc<C>,
}

/// What a replica's runtime is, or why that cannot be told.
pub type Described = Result<Description, Outcome>;

impl<C: Connect> Gateway<C> {
    /// A gateway over a way to reach replicas.
    pub fn new(connect: C) -> Gateway<C> {
        Gateway { connect: Arc::new(connect) }
    }

    /// Starts what was permitted and recorded, within the limits of the permit; needs a tokio
    /// runtime.
    pub fn run(&self, recorded: Recorded) -> RecordedRun {
        let (permit, plan, receipt, redactor, recorder) = recorded.into_parts();
        let selection = permit.selection();
        let plan = Plan { limits: plan.limits.at_most(permit.ceiling()), ..plan };
        let started = prepl_fanout::start(Arc::clone(&self.connect), selection, plan);
        RecordedRun::new(started, receipt, selection, (redactor, recorder))
    }

    /// Asks every replica what it is, `width` at a time, each within `patience`.
    ///
    /// The answers stand in the order of the selection.
    pub async fn describe(
        &self,
        selection: &Selection,
        patience: Duration,
        width: NonZeroUsize,
    ) -> Vec<Described> {
        let window = Arc::new(Semaphore::new(width.get()));
        let mut asked = JoinSet::new();
        for (index, replica) in selection.indexed() {
            let (connect, window) = (Arc::clone(&self.connect), Arc::clone(&window));
            let replica = replica.clone();
            asked.spawn(async move {
                // The window is never closed; without a place the question would only come earlier.
                let _place = window.acquire_owned().await;
                (index, describe(&*connect, &replica, patience).await)
            });
        }
        let mut described = asked.join_all().await;
        described.sort_by_key(|(index, _)| *index);
        described.into_iter().map(|(_, described)| described).collect()
    }

    /// Ends the session that the replicas keep for the user under a name, as far as that can be done
    /// within 2 s. Gives how many had one.
    pub async fn end_session(&self, selection: &Selection, name: &SessionName) -> usize {
        let window = Arc::new(Semaphore::new(ENDING_WIDTH));
        let mut asked = JoinSet::new();
        for replica in selection.replicas() {
            let (connect, window) = (Arc::clone(&self.connect), Arc::clone(&window));
            let (replica, name) = (replica.clone(), name.clone());
            asked.spawn(async move {
                // The window is never closed; without a place the question would only come earlier.
                let _place = window.acquire_owned().await;
                let Ok(line) = connect.connect(&replica).await else { return false };
                line.end_session(&name).await
            });
        }
        let mut ended = 0;
        let all = async {
            while let Some(had_one) = asked.join_next().await {
                ended += usize::from(had_one.unwrap_or(false));
            }
        };
        // Those that say nothing end it by themselves later.
        let _ = timeout(ENDING_PATIENCE, all).await;
        ended
    }
}

impl Gateway<Dialer> {
    /// Opens the tunnel that was permitted and recorded, to the REPL of its one replica, within
    /// `patience`. What comes with it is to be told of its end.
    pub async fn attach(
        &self,
        recorded: RecordedTunnel,
        patience: Duration,
    ) -> Result<(Tunnel, TunnelRecord), Outcome> {
        let (permit, opened, redactor, recorder) = recorded.into_parts();
        let request = opened.request;
        match self.open(permit.selection(), patience).await {
            Ok(tunnel) => {
                let record = TunnelRecord::new(request, &tunnel, recorder.clone());
                let scribe = Scribe::new(&tunnel.driver, opened, redactor, recorder);
                Ok((tunnel.recorded_by(scribe), record))
            }
            Err(outcome) => {
                let why = outcome.reason().cloned().unwrap_or_else(|| Reason::new("not opened"));
                recorder.tunnel_closed(AttachClosed::new(request, 0, 0, &why)).await;
                Err(outcome)
            }
        }
    }

    async fn open(&self, selection: &Selection, patience: Duration) -> Result<Tunnel, Outcome> {
        let [replica] = selection.replicas() else {
            let words = format!("a tunnel leads to one replica, not to {}", selection.len());
            return Err(Outcome::NotStarted(Reason::new(words)));
        };
        let opened = timeout(patience, self.connect.attach(replica)).await;
        opened.unwrap_or_else(|_| Err(silent(replica, patience)))
    }
}

async fn describe<C: Connect>(connect: &C, replica: &Replica, patience: Duration) -> Described {
    let ask = async { connect.connect(replica).await?.describe().await };
    timeout(patience, ask).await.unwrap_or_else(|_| Err(silent(replica, patience)))
}

fn silent(replica: &Replica, patience: Duration) -> Outcome {
    let words = format!("no answer from {} within {patience:?}", replica.address);
    Outcome::Unreachable(Reason::new(words))
}
