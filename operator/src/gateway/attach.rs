//! One tunnel of a user to a pod's REPL: opened by right, cut when the right or the access ends or
//! what goes through it cannot be recorded, and told in the log with who, where and how much. What
//! he says stands in the audit log alone.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use prepl_core::{Outcome, Reason, ReplicaId, Selection};
use prepl_gateway::claim::{self, Shown};
use prepl_gateway::remote::wire;
use prepl_gateway::tunnel::{Broke, Down, Traffic, Up};
use prepl_gateway::{Gateway, RecordedTunnel, Tunnel, TunnelRecord};
use prepl_policy::Grounds;
use prepl_proto::convert::tunnel::Carried;
use prepl_proto::v1;
use prepl_proto::v1::attach_down::Part;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::access::{Accesses, Caller, Refused};
use super::doorkeeper::Guest;
use super::fleet::Asked;
use super::recording::{Attempt, asker};
use super::service::{GatewayService, bad, too_many};
use super::signer::is_his;

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
        let place = guest.place_for_run().ok_or_else(too_many)?;
        let Permitted { recorded, caller, asked, id } =
            self.permitted_opening(&guest, &uid, &signed).await?;
        let shown = Shown::of(signed, std::slice::from_ref(&uid));
        let dialer = self.dialer.on_behalf_of(caller.user.username.as_str().into(), Some(shown));
        let tunnel = Gateway::new(dialer).attach(recorded, PATIENCE).await;
        let (tunnel, record) = tunnel.map_err(|outcome| not_given(&outcome))?;
        self.metrics.tunnels.add();
        let (messages, told) = mpsc::channel(WAITING);
        let log = Log::opened(&caller.user.username, id, &tunnel);
        let this = self.clone();
        tokio::spawn(async move {
            let allowed = || this.permitted_tunnel(&guest, &asked);
            let denied = Accesses::until_denied(allowed);
            let cut = relay(ups, tunnel, messages, denied).await;
            log.closed(cut.as_ref(), record).await;
            drop(place);
        });
        Ok(ReceiverStream::new(told))
    }

    /// A tunnel that the caller has the right to and that is recorded; so is that he has not.
    async fn permitted_opening(
        &self,
        guest: &Guest,
        uid: &Arc<str>,
        signed: &v1::Signed,
    ) -> Result<Permitted, Status> {
        let request = claim::request(signed).ok_or_else(unsigned)?;
        let (nobody, grounds) = (Selection::of(Vec::new()), Grounds::default());
        let (caller, expression, grounds) = (None, None, &grounds);
        let attempt = Attempt { guest, caller, grounds, request, expression, selection: &nobody };
        let caller = match self.accesses.caller(&guest.holder).await {
            Ok(caller) => caller,
            Err(refused) => return Err(self.refuse(attempt, refused).await.into()),
        };
        let asked = self.fleet.asked(std::slice::from_ref(uid), &caller.scope);
        let id = only(&asked.selection)?;
        let attempt = Attempt { caller: Some(&caller), selection: &asked.selection, ..attempt };
        let recorded = async {
            is_his(guest, Some(signed))?;
            let permit = self.permit_tunnel(&caller, &asked.selection).await?;
            Ok(self.recorder.tunnel(permit, request, &asker(&caller, grounds)).await?)
        };
        match recorded.await {
            Ok(recorded) => Ok(Permitted { recorded, caller, asked, id }),
            Err(refused) => Err(self.refuse(attempt, refused).await.into()),
        }
    }
}

/// A tunnel that may be opened.
struct Permitted {
    recorded: RecordedTunnel,
    caller: Caller,
    asked: Asked,
    id: ReplicaId,
}

fn unsigned() -> Status {
    Status::invalid_argument("a tunnel is signed by whoever asks for it")
}

/// What a caller says first: the UID of a replica, and what he signed for it.
pub async fn opening(ups: &mut Streaming<v1::AttachUp>) -> Result<(Arc<str>, v1::Signed), Status> {
    let first = timeout(FIRST_PART, ups.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("nothing was asked"))??;
    let Some(v1::attach_up::Part::Open(open)) = first.and_then(|first| first.part) else {
        return Err(Status::invalid_argument("a tunnel begins with its opening"));
    };
    let mut uids = wire::uids(vec![open.uid]).map_err(bad)?;
    let uid = uids.pop().ok_or_else(|| Status::invalid_argument("no UID"))?;
    Ok((uid, open.signed.ok_or_else(unsigned)?))
}

fn only(selection: &Selection) -> Result<ReplicaId, Status> {
    let replica = selection.replicas().first();
    let gone = || Status::failed_precondition("the pod is gone, or out of this access");
    replica.map(|replica| replica.id.clone()).ok_or_else(gone)
}

fn not_given(outcome: &Outcome) -> Status {
    Status::failed_precondition(outcome.reason().map(Reason::as_str).unwrap_or_default())
}

/// Carries everything between a caller and a tunnel, until both sides have ended, until `denied`
/// completes, or until the caller leaves; gives the reason when the tunnel was cut.
pub async fn relay(
    ups: impl Stream<Item = Result<v1::AttachUp, Status>> + Unpin,
    tunnel: Tunnel,
    messages: mpsc::Sender<Result<v1::AttachDown, Status>>,
    denied: impl Future<Output = Refused>,
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
        ended = lower(tunnel.down, &messages) => ended.err(),
        cut = lift(ups, tunnel.up) => Some(cut),
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
async fn lower(mut down: Down, messages: &Messages) -> Result<(), Status> {
    while let Some(carried) = down.next().await {
        let carried = carried.map_err(|broke| Status::aborted(broke.to_string()))?;
        messages.send(Ok(carried.into())).await.map_err(|_| left())?;
    }
    Ok(())
}

/// Ends when it has to be cut alone.
async fn lift(
    mut ups: impl Stream<Item = Result<v1::AttachUp, Status>> + Unpin,
    mut up: Up,
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
        match up.send(carried).await {
            Ok(true) => {}
            Ok(false) => return pending().await,
            Err(error) => return Status::resource_exhausted(Broke::from(error).to_string()),
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
    traffic: Arc<Traffic>,
}

impl Log {
    fn opened(user: &str, id: ReplicaId, tunnel: &Tunnel) -> Log {
        let (namespace, pod, driver) = (&*id.namespace, &*id.name, &*tunnel.driver);
        tracing::info!(user, namespace, pod, driver, "tunnel opened");
        Log {
            user: user.to_owned(),
            id,
            begun: Instant::now(),
            traffic: Arc::clone(&tunnel.traffic),
        }
    }

    async fn closed(&self, cut: Option<&Status>, record: TunnelRecord) {
        let (namespace, pod) = (&*self.id.namespace, &*self.id.name);
        let (up, down) = (self.traffic.up(), self.traffic.down());
        let (user, seconds) = (&*self.user, self.begun.elapsed().as_secs());
        let cut = cut.map(Status::message);
        tracing::info!(user, namespace, pod, up, down, seconds, cut, "tunnel closed");
        record.closed(&Reason::new(cut.unwrap_or("both sides ended"))).await;
    }
}
