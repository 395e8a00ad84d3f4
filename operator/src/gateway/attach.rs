//! One tunnel of a user to a pod's REPL: opened by right, cut when the right or the access ends,
//! and told in the log with who, where and how much, never what.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use prepl_core::{Outcome, Reason, ReplicaId, Selection};
use prepl_crd::Mode;
use prepl_gateway::claim::Shown;
use prepl_gateway::remote::wire;
use prepl_gateway::tunnel::{Down, Up};
use prepl_gateway::{Gateway, Tunnel};
use prepl_proto::convert::tunnel::Carried;
use prepl_proto::v1;
use prepl_proto::v1::attach_down::Part;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::access::{Accesses, Refused};
use super::doorkeeper::Guest;
use super::rights::enough;
use super::service::{GatewayService, bad};

/// How long a caller may take to say where to.
const FIRST_PART: Duration = Duration::from_secs(10);
/// How long a pod and its REPL may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages that may wait for the caller, the reason of a cut among them; then the REPL waits.
const WAITING: usize = 3;

/// What goes to the caller.
pub type Told = ReceiverStream<Result<v1::AttachDown, Status>>;
type Messages = mpsc::Sender<Result<v1::AttachDown, Status>>;

impl GatewayService {
    /// Opens a tunnel for the caller, and leads it until both sides have ended.
    pub(super) async fn lead(
        &self,
        guest: Guest,
        mut ups: Streaming<v1::AttachUp>,
    ) -> Result<Told, Status> {
        let (uid, signed) = opening(&mut ups).await?;
        let shown = signed.map(|signed| Shown::of(signed, std::slice::from_ref(&uid)));
        let caller = self.caller(&guest).await?;
        enough(&caller, Mode::Attach)?;
        let place = guest.place_for_run();
        let place = place
            .ok_or_else(|| Status::resource_exhausted("too many runs of yours are under way"))?;
        let asked = self.fleet.asked(&[uid], &caller.scope);
        let id = only(&asked.selection)?;
        let permit = self.permit_tunnel(&caller, &asked.selection).await;
        let permit = permit.inspect_err(|refused| self.metrics.refused(refused))?;
        let dialer = self.dialer.on_behalf_of(caller.user.username.as_str().into(), shown);
        let tunnel = Gateway::new(dialer).attach(permit, PATIENCE).await;
        let tunnel = tunnel.map_err(|outcome| not_given(&outcome))?;
        self.metrics.tunnels.add();
        let (messages, told) = mpsc::channel(WAITING);
        let log = Log::opened(&caller.user.username, id, &tunnel);
        let this = self.clone();
        tokio::spawn(async move {
            let allowed = || this.permitted_tunnel(&guest, &asked);
            let denied = Accesses::until_denied(allowed);
            let cut = relay(ups, tunnel, messages, denied, &log.traffic).await;
            log.closed(cut.as_ref());
            drop(place);
        });
        Ok(ReceiverStream::new(told))
    }
}

/// What a caller says first: the UID of a replica, and what he signed for it.
pub async fn opening(
    ups: &mut Streaming<v1::AttachUp>,
) -> Result<(Arc<str>, Option<v1::Signed>), Status> {
    let first = timeout(FIRST_PART, ups.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("nothing was asked"))??;
    let Some(v1::attach_up::Part::Open(open)) = first.and_then(|first| first.part) else {
        return Err(Status::invalid_argument("a tunnel begins with its opening"));
    };
    let mut uids = wire::uids(vec![open.uid]).map_err(bad)?;
    let uid = uids.pop().ok_or_else(|| Status::invalid_argument("no UID"))?;
    Ok((uid, open.signed))
}

fn only(selection: &Selection) -> Result<ReplicaId, Status> {
    let replica = selection.replicas().first();
    let gone = || Status::failed_precondition("the pod is gone, or out of this access");
    replica.map(|replica| replica.id.clone()).ok_or_else(gone)
}

fn not_given(outcome: &Outcome) -> Status {
    Status::failed_precondition(outcome.reason().map(Reason::as_str).unwrap_or_default())
}

/// What went through a tunnel.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes to the REPL.
    pub up: AtomicU64,
    /// Bytes from it.
    pub down: AtomicU64,
}

/// Carries everything between a caller and a tunnel, until both sides have ended, until `denied`
/// completes, or until the caller leaves; gives the reason when the tunnel was cut.
pub async fn relay(
    ups: impl Stream<Item = Result<v1::AttachUp, Status>> + Unpin,
    tunnel: Tunnel,
    messages: mpsc::Sender<Result<v1::AttachDown, Status>>,
    denied: impl Future<Output = Refused>,
    traffic: &Traffic,
) -> Option<Status> {
    let opened = v1::TunnelOpened { driver: tunnel.driver.to_string() };
    let opened = v1::AttachDown { part: Some(Part::Opened(opened)) };
    let Ok(last_word) = messages.clone().reserve_owned().await else { return Some(left()) };
    if messages.send(Ok(opened)).await.is_err() {
        return Some(left());
    }
    let cut = tokio::select! {
        // What comes down tells why the way up is closed.
        biased;
        ended = lower(tunnel.down, &messages, traffic) => ended.err(),
        cut = lift(ups, tunnel.up, traffic) => Some(cut),
        refused = denied => Some(refused.into()),
        () = messages.closed() => Some(left()),
    };
    if let Some(cut) = &cut {
        last_word.send(Err(cut.clone()));
    }
    cut
}

fn left() -> Status {
    Status::cancelled("the caller left")
}

/// Ends with the tunnel.
async fn lower(mut down: Down, messages: &Messages, traffic: &Traffic) -> Result<(), Status> {
    while let Some(carried) = down.next().await {
        let carried = carried.map_err(|broke| Status::aborted(broke.to_string()))?;
        traffic.down.fetch_add(carried.bytes(), Ordering::Relaxed);
        messages.send(Ok(carried.into())).await.map_err(|_| left())?;
    }
    Ok(())
}

/// Ends when it has to be cut alone.
async fn lift(
    mut ups: impl Stream<Item = Result<v1::AttachUp, Status>> + Unpin,
    up: Up,
    traffic: &Traffic,
) -> Status {
    let mut ended = false;
    while let Some(message) = ups.next().await {
        let Ok(message) = message else { return left() };
        let carried = match Carried::try_from(message) {
            Ok(_) if ended => return Status::invalid_argument("more of a tunnel after its end"),
            Ok(carried) => carried,
            Err(broken) => return bad(broken),
        };
        ended = carried == Carried::End;
        traffic.up.fetch_add(carried.bytes(), Ordering::Relaxed);
        if !up.send(carried).await {
            return pending().await;
        }
    }
    if !ended {
        return left();
    }
    drop(up);
    pending().await
}

/// The two lines of the log about one tunnel.
struct Log {
    user: String,
    id: ReplicaId,
    begun: Instant,
    traffic: Traffic,
}

impl Log {
    fn opened(user: &str, id: ReplicaId, tunnel: &Tunnel) -> Log {
        let (namespace, pod, driver) = (&*id.namespace, &*id.name, &*tunnel.driver);
        tracing::info!(user, namespace, pod, driver, "tunnel opened");
        Log { user: user.to_owned(), id, begun: Instant::now(), traffic: Traffic::default() }
    }

    fn closed(&self, cut: Option<&Status>) {
        let (namespace, pod) = (&*self.id.namespace, &*self.id.name);
        let (up, down) = (&self.traffic.up, &self.traffic.down);
        let (up, down) = (up.load(Ordering::Relaxed), down.load(Ordering::Relaxed));
        let (user, seconds) = (&*self.user, self.begun.elapsed().as_secs());
        let cut = cut.map(Status::message);
        tracing::info!(user, namespace, pod, up, down, seconds, cut, "tunnel closed");
    }
}
