//! The gRPC shell: admit, decode, call, encode.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use prepl_core::id::BadId;
use prepl_core::{Done, Evaluation, Event, Outcome, Reason, RequestId, SessionName};
use prepl_identity::{Credentials, Holder, Name, Signer};
use prepl_proto::convert::batch;
use prepl_proto::v1;
use prepl_proto::v1::sidecar_server::Sidecar;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::admit::{Wish, admit, may_interrupt_others};
use crate::budget::Share;
use crate::caller::Caller;
use crate::claims::{Claims, Shown, Unsigned};
use crate::evaluator::{Evaluator, Followed};
use crate::ledger::Remembered;
use crate::portion::{Portion, Portions};
use crate::session::Sessions;
use crate::tunnel::Tunnels;

/// Events of one message at most, of output 512 KiB; more wait for the next.
const BATCH_EVENTS: usize = 8;
/// A message is not added to once it has so much text: large values go one by one.
const BATCH_TEXT: usize = 64 << 10;

/// The longest name of a user in Kubernetes, and what tells it from the names of certificates.
const MAX_CALLER_BYTES: usize = 1100;

/// Descriptions in the making at a time, of all callers: each opens a session with the app.
const DESCRIBING: usize = 4;

/// How long a caller may take to say which replica a tunnel is to lead to.
const FIRST_PART: Duration = Duration::from_secs(10);

/// The service of one replica.
#[derive(Clone)]
pub struct Service {
    credentials: Credentials,
    sessions: Arc<Sessions>,
    evaluator: Arc<Evaluator>,
    describing: Arc<Semaphore>,
    portions: Arc<Portions>,
    tunnels: Arc<Tunnels>,
    claims: Arc<Claims>,
}

/// Who is at the other end of the connection; put beside each request by [`crate::serve`].
#[derive(Clone, Debug)]
pub struct Peer {
    name: Arc<Name>,
    /// It as a caller, once for all requests of a connection.
    own: Caller,
}

impl Peer {
    /// The peer whose certificate has this name, what it may take, and how long the certificate lasts.
    pub fn new(name: &Name, portion: Arc<Portion>, until: SystemTime) -> Peer {
        let own = Caller { name: name.to_string().into(), portion, until };
        Peer { name: Arc::new(name.clone()), own }
    }

    fn is_gateway(&self) -> bool {
        matches!(self.name.holder, Holder::Gateway { .. })
    }

    /// Whether it may say that it asks for this user; without a name it asks for itself.
    fn may_name(&self, named: &str) -> Result<(), Status> {
        match self.is_gateway() {
            true if named.len() <= MAX_CALLER_BYTES => Ok(()),
            true => Err(Status::invalid_argument("the caller's name")),
            false if named.is_empty() => Ok(()),
            false => Err(Status::permission_denied("only a gateway may ask for somebody else")),
        }
    }

    /// Whose something is that is to end: the user's whom a gateway names, else the peer's own.
    ///
    /// Nothing is signed for that: to let something end is no more than a gateway can do anyway.
    fn ends_for(&self, named: &str) -> Result<Arc<str>, Status> {
        admit(&self.name, Wish::Evaluate).map_err(denied)?;
        self.may_name(named)?;
        Ok(if self.is_gateway() { key_of(named).into() } else { Arc::clone(&self.own.name) })
    }
}

/// The key of a user whom gateways ask for: no certificate has such a name.
fn key_of(person: &str) -> String {
    format!("for {person}")
}

impl Service {
    /// A service for the replica whose certificate `credentials` show.
    pub fn new(
        credentials: Credentials,
        sessions: Arc<Sessions>,
        evaluator: Arc<Evaluator>,
        tunnels: Arc<Tunnels>,
        claims: Claims,
    ) -> Service {
        let describing = Arc::new(Semaphore::new(DESCRIBING));
        let (portions, claims) = (Arc::default(), Arc::new(claims));
        Service { credentials, sessions, evaluator, describing, portions, tunnels, claims }
    }

    /// Refuses what is for another replica than the certificate names that is in use now: its file
    /// may have become another replica's since.
    fn is_for(&self, asked: &str) -> Result<(), Status> {
        match &self.credentials.current().name().holder {
            Holder::Sidecar { uid } if uid.as_str() == asked => Ok(()),
            _ => Err(Status::failed_precondition(ANOTHER_REPLICA)),
        }
    }

    /// What each caller may take.
    pub fn portions(&self) -> Arc<Portions> {
        Arc::clone(&self.portions)
    }

    /// Whose a request is: the user's whom `signer` proves where a gateway asks, else the peer's own.
    fn caller(
        &self,
        peer: &Peer,
        signer: impl FnOnce() -> Result<Signer, Unsigned>,
    ) -> Result<Caller, Unsigned> {
        if !peer.is_gateway() {
            return Ok(peer.own.clone());
        }
        let Signer { person, until, .. } = signer()?;
        let key = key_of(&person);
        Ok(Caller { portion: self.portions.of_caller(&key), name: key.into(), until })
    }

    fn follow(&self, peer: &Peer, wire: v1::EvalRequest) -> Result<Followed, Status> {
        peer.may_name(&wire.caller)?;
        let mut wire = wire;
        let shown = (wire.signed.take(), wire.membership.take());
        let evaluation =
            Evaluation::try_from(wire).map_err(|bad| Status::invalid_argument(bad.to_string()))?;
        admit(&peer.name, Wish::Evaluate).map_err(denied)?;
        self.is_for(&evaluation.replica_uid)?;
        let signer = || {
            let shown = Shown::of(shown.0, shown.1)?;
            self.claims.evaluation(shown, &evaluation, self.evaluator.remembers_since())
        };
        match self.caller(peer, signer) {
            Ok(caller) => Ok(self.evaluator.start(evaluation, caller)),
            Err(unsigned) => Ok(Followed::Refused(unsigned.into())),
        }
    }
}

#[tonic::async_trait]
impl Sidecar for Service {
    type EvalStream = EventStream;

    async fn eval(
        &self,
        request: Request<v1::EvalRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let peer = peer(&request)?;
        let wire = request.into_inner();
        let (run_id, uid) = (wire.run_id.clone(), wire.replica_uid.as_str().into());
        let mut events = match self.follow(&peer, wire)? {
            Followed::Live(events) => events,
            Followed::Remembered(answer) => replay(answer),
            Followed::Refused(outcome) => refusal(outcome),
        };
        // The head of the response waits for the first events: most answers then leave, whole, in
        // one packet.
        let mut ready = Vec::new();
        events.recv_many(&mut ready, BATCH_EVENTS).await;
        ready.reverse();
        let leaving = self.sessions.share();
        Ok(Response::new(EventStream { run_id, uid, ready, leaving, events, sequence: 0 }))
    }

    async fn input(
        &self,
        request: Request<v1::InputRequest>,
    ) -> Result<Response<v1::InputReply>, Status> {
        let peer = peer(&request)?;
        let mut wire = request.into_inner();
        peer.may_name(&wire.caller)?;
        admit(&peer.name, Wish::Evaluate).map_err(denied)?;
        let (signed, membership) = (wire.signed.take(), wire.membership.take());
        let (id, input) = wire.read().map_err(|bad| Status::invalid_argument(bad.to_string()))?;
        self.is_for(&wire.replica_uid)?;
        let shown = || Shown::of(signed, membership);
        let signer = || self.claims.input(shown()?, id, &input, &wire.replica_uid);
        let caller = self.caller(&peer, signer).map_err(|unsigned| denied(unsigned.into()))?;
        let taken = self.evaluator.input(id, &caller.name, &input).await;
        let taken = taken.map_err(|not| Status::failed_precondition(not.to_string()))?;
        Ok(Response::new(v1::InputReply { taken }))
    }

    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptReply>, Status> {
        let peer = peer(&request)?;
        let id = RequestId::try_from(&request.get_ref().request_id[..])
            .map_err(|bad| Status::invalid_argument(bad.to_string()))?;
        let caller = peer.ends_for(&request.get_ref().caller)?;
        let owner = (!may_interrupt_others(&peer.name)).then_some(&caller);
        let asked = self.evaluator.interrupt(id, owner);
        Ok(Response::new(v1::InterruptReply { asked }))
    }

    async fn end_session(
        &self,
        request: Request<v1::EndSessionRequest>,
    ) -> Result<Response<v1::EndSessionReply>, Status> {
        let peer = peer(&request)?;
        let v1::EndSessionRequest { session, caller } = request.into_inner();
        let name: SessionName =
            session.parse().map_err(|bad: BadId| Status::invalid_argument(bad.to_string()))?;
        let ended = self.sessions.end(&peer.ends_for(&caller)?, &name).await;
        Ok(Response::new(v1::EndSessionReply { ended }))
    }

    async fn describe(
        &self,
        request: Request<v1::DescribeRequest>,
    ) -> Result<Response<v1::DescribeReply>, Status> {
        admit(&peer(&request)?.name, Wish::Describe).map_err(denied)?;
        // The semaphore is never closed; without a place the question would only come earlier.
        let _place = self.describing.acquire().await;
        let description = self.sessions.describe().await;
        let description = description.map_err(|none| Status::unavailable(none.to_string()))?;
        Ok(Response::new(description.into()))
    }

    type TunnelStream = ReceiverStream<Result<v1::TunnelDown, Status>>;

    async fn tunnel(
        &self,
        request: Request<Streaming<v1::TunnelUp>>,
    ) -> Result<Response<Self::TunnelStream>, Status> {
        let peer = peer(&request)?;
        admit(&peer.name, Wish::Attach).map_err(denied)?;
        let mut up = request.into_inner();
        let open = opening(&mut up).await?;
        peer.may_name(&open.caller)?;
        self.is_for(&open.replica_uid)?;
        let shown = || Shown::of(open.signed, open.membership);
        let signer = || self.claims.tunnel(shown()?, &open.replica_uid);
        let caller = self.caller(&peer, signer);
        let Caller { name, portion, .. } = caller.map_err(|unsigned| denied(unsigned.into()))?;
        let tunnel = self.tunnels.open(portion).await?;
        Ok(Response::new(tunnel.start(name, up)))
    }
}

async fn opening(up: &mut Streaming<v1::TunnelUp>) -> Result<v1::TunnelOpen, Status> {
    let first = timeout(FIRST_PART, up.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("nothing was asked"))??;
    match first.and_then(|first| first.part) {
        Some(v1::tunnel_up::Part::Open(open)) => Ok(open),
        _ => Err(Status::invalid_argument("a tunnel begins with its opening")),
    }
}

fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    let peer = request.extensions().get::<Peer>().cloned();
    peer.ok_or_else(|| Status::unauthenticated("the connection has no certificate"))
}

fn denied(outcome: Outcome) -> Status {
    Status::permission_denied(outcome.reason().map(Reason::as_str).unwrap_or_default())
}

const ANOTHER_REPLICA: &str = "another replica answers at that address now; select again";

fn refusal(outcome: Outcome) -> mpsc::Receiver<Event> {
    let (tell, events) = mpsc::channel(1);
    // There is room for the one event.
    let _ = tell.try_send(Event::Done(Done::without_answer(outcome)));
    events
}

fn replay(mut answer: Remembered) -> mpsc::Receiver<Event> {
    let (tell, events) = mpsc::channel(BATCH_EVENTS);
    tokio::spawn(async move {
        let ended = answer.wait_for(Option::is_some).await.map(|answer| answer.clone());
        for event in ended.ok().flatten().iter().flat_map(|events| events.iter().cloned()) {
            if tell.send(event).await.is_err() {
                return;
            }
        }
    });
    events
}

/// Events as messages: those that are ready at the same time share one.
pub struct EventStream {
    run_id: String,
    uid: Arc<str>,
    /// Taken from `events` already, in reverse.
    ready: Vec<Event>,
    /// The text of the last message: it counts in the budget until it has left.
    leaving: Share,
    events: mpsc::Receiver<Event>,
    sequence: u64,
}

impl EventStream {
    /// The next events that fit one message.
    fn take_ready(&mut self) -> Vec<Event> {
        let (mut events, mut text) = (Vec::with_capacity(self.ready.len()), 0);
        while text < BATCH_TEXT
            && let Some(event) = self.ready.pop()
        {
            text += event.text_bytes();
            events.push(event);
        }
        events
    }
}

impl Stream for EventStream {
    type Item = Result<v1::EventBatch, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.leaving.count(0);
        if this.ready.is_empty() {
            ready!(this.events.poll_recv_many(cx, &mut this.ready, BATCH_EVENTS));
            this.ready.reverse();
        }
        let events = this.take_ready();
        if events.is_empty() {
            return Poll::Ready(None);
        }
        let first = this.sequence;
        this.sequence += events.len() as u64;
        let text = events.iter().map(Event::text_bytes).sum();
        let message = batch(&this.run_id, &this.uid, first, events);
        this.leaving.count(text);
        Poll::Ready(Some(Ok(message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use prepl_core::Value;
    use tokio_stream::StreamExt;

    fn value(bytes: usize) -> Event {
        Event::Value(Value { form: 0, text: "x".repeat(bytes).into(), truncated: false })
    }

    #[tokio::test]
    async fn large_values_go_one_by_one_and_small_ones_together() {
        let (tell, events) = mpsc::channel(8);
        for event in [value(1), value(1), value(BATCH_TEXT), value(BATCH_TEXT), value(1)] {
            tell.send(event).await.unwrap();
        }
        drop(tell);
        let mut stream = EventStream {
            run_id: String::new(),
            uid: "uid".into(),
            ready: Vec::new(),
            leaving: Budget::default().share(),
            events,
            sequence: 0,
        };
        let mut sizes = Vec::new();
        while let Some(message) = stream.next().await {
            let message = message.unwrap();
            sizes.push((message.first_sequence, message.events.len()));
        }
        assert_eq!(sizes, [(0, 3), (3, 1), (4, 1)]);
    }
}
