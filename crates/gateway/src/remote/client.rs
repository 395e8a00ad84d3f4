//! The calls of a gateway of a cluster.

use std::error::Error;
use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prepl_core::{Description, Outcome, Replica, RequestId, Selection};
use prepl_fanout::Plan;
use prepl_identity::{Connector, Credentials, Expected, HandshakeFailed, Refusal};
use prepl_policy::{Grounds, Judged, Request};
use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use prepl_proto::v1::described::Told;
use prepl_proto::v1::gateway_client::GatewayClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::service_fn;

use super::dial::Dial;
use super::run::RemoteRun;
use super::{judging, wire};
use crate::claim::{Unsigned, signed_tunnel};
use crate::coalesce::Together;
use crate::gateway::Described;
use crate::tunnel::{self, Tunnel};

/// The answers of all replicas come over one connection, which may be slow.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 2 << 20;
/// A list of 10,000 replicas with their labels, or one value at its largest.
const MAX_MESSAGE: usize = 32 << 20;
/// Replicas that are described in one message: 64 loaded files with the longest names have 36 KiB
/// each time, 18 MiB in all.
const DESCRIBED_AT_ONCE: usize = 512;
/// A gateway that is gone without a word is noticed after the two.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway of a cluster; the next one is asked when it goes away.
#[derive(Clone, Debug)]
pub struct Remote {
    client: GatewayClient<Channel>,
    dial: Dial,
    refusal: Refusal,
    /// The access; signs what is asked.
    credentials: Credentials,
    grounds: Grounds,
}

/// Why a gateway did not do what it was asked; nothing was evaluated.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFailed {
    /// No stream to a gateway could be opened, or it broke.
    #[error("no gateway of the cluster answers")]
    Unreached(#[source] Box<dyn Error + Send + Sync>),
    /// The caller has no right to it; the gateway's sentence.
    #[error("{0}")]
    Denied(String),
    /// The gateway does not do that; its sentence.
    #[error("the gateway refused: {0}")]
    Refused(String),
    /// The replica gives no tunnel, or is not there; a sentence.
    #[error("{0}")]
    Replica(String),
    /// The gateway speaks otherwise.
    #[error(transparent)]
    Wire(#[from] BadMessage),
    /// The access cannot sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

/// The replicas that a user may inspect.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Them.
    pub replicas: Vec<Replica>,
    /// Workloads that have replicas too, and that he may not inspect.
    pub hidden_workloads: u32,
}

impl Remote {
    /// Connects as the holder of an access request. `open` gives a stream to some gateway, and is
    /// asked again whenever the connection is lost.
    pub async fn connect<O, F, S, E>(
        credentials: &Credentials,
        open: O,
    ) -> Result<Remote, RemoteFailed>
    where
        O: Fn() -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<S, E>> + Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let connector = Connector::new(credentials);
        let expected = Expected::Gateway(credentials.current().name().domain.clone());
        let refusal = Refusal::default();
        let told = refusal.clone();
        let connect = service_fn(move |_| {
            let (open, connector) = (open.clone(), connector.clone());
            let (expected, told) = (expected.clone(), told.clone());
            async move {
                let stream = open().await.map_err(Box::<dyn Error + Send + Sync>::from)?;
                let secure = connector.connect_as(stream, &expected).await?;
                let together = Together::new(secure.telling(told));
                Ok::<_, Box<dyn Error + Send + Sync>>(TokioIo::new(together))
            }
        });
        let endpoint = Endpoint::from_static("http://gateway")
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let dial = Dial::new(endpoint, connect);
        let grounds = Grounds::default();
        let credentials = credentials.clone();
        Ok(Remote { client: client(&dial).await?, dial, refusal, credentials, grounds })
    }

    /// The replicas that the user may inspect, in a stable order.
    pub async fn list(&self) -> Result<Listed, RemoteFailed> {
        let listed = self.client.clone().list(v1::ListRequest {}).await;
        let listed = listed.map_err(|status| self.failed(status))?.into_inner();
        let replicas = listed.replicas.into_iter().map(Replica::try_from);
        let replicas = replicas.collect::<Result<_, _>>()?;
        Ok(Listed { replicas, hidden_workloads: listed.hidden_workloads })
    }

    /// Asks every replica what it is, `width` at a time, each within `patience`.
    ///
    /// The answers stand in the order of the selection.
    pub async fn describe(
        &self,
        selection: &Selection,
        patience: Duration,
        width: NonZeroUsize,
    ) -> Result<Vec<Described>, RemoteFailed> {
        let mut all = Vec::with_capacity(selection.len());
        for replicas in selection.replicas().chunks(DESCRIBED_AT_ONCE) {
            let request = v1::DescribeReplicasRequest {
                uids: replicas.iter().map(|replica| replica.id.uid.to_string()).collect(),
                patience_ms: u32::try_from(patience.as_millis()).unwrap_or(u32::MAX),
                width: u32::try_from(width.get()).unwrap_or(wire::MAX_WIDTH).min(wire::MAX_WIDTH),
            };
            let reply = self.client.clone().describe_replicas(request).await;
            let reply = reply.map_err(|status| self.failed(status))?.into_inner();
            if reply.described.len() != replicas.len() {
                return Err(BadMessage("number of descriptions").into());
            }
            for told in reply.described {
                all.push(described(told)?);
            }
        }
        Ok(all)
    }

    /// Whether both show the certificate of one access.
    #[must_use]
    pub fn has_access_of(&self, other: &Remote) -> bool {
        self.credentials.current().name() == other.credentials.current().name()
    }

    /// The same gateway for what has a reason and a ticket.
    #[must_use]
    pub fn because(&self, grounds: Grounds) -> Remote {
        Remote { grounds, ..self.clone() }
    }

    /// Asks what the policies say to a request; nothing is sent to any replica. Gives also how
    /// many of the replicas are not there.
    pub async fn judge(
        &self,
        selection: &Selection,
        request: &Request,
    ) -> Result<(Judged, usize), RemoteFailed> {
        let request = judging::judge_request(selection, request);
        let reply = self.client.clone().judge(request).await;
        let reply = reply.map_err(|status| match status.code() {
            Code::Unimplemented => RemoteFailed::Refused(
                "it is of a version that cannot judge without running; nothing ran".to_owned(),
            ),
            _ => self.failed(status),
        })?;
        Ok(judging::judged(reply.into_inner())?)
    }

    /// Starts a plan; a denial comes before anything is evaluated.
    pub async fn run(&self, selection: &Selection, plan: &Plan) -> Result<RemoteRun, RemoteFailed> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let start = v1::StartRun {
            reason: text(self.grounds.reason()),
            ticket: text(self.grounds.ticket()),
            ..wire::start_run(selection, plan)
        };
        let (client, access) = (self.client.clone(), self.credentials.current());
        let run = RemoteRun::start(client, access, start, &self.refusal).await;
        run.map_err(|status| self.failed(status))
    }

    /// Opens a tunnel to the REPL of the replica with this UID, once for each request id, on a
    /// connection of its own: one whose reader stalls holds up no other.
    pub async fn attach(&self, request: RequestId, uid: &str) -> Result<Tunnel, RemoteFailed> {
        let signed = Some(signed_tunnel(&self.credentials.current(), request, uid)?);
        let open = v1::attach_up::Part::Open(v1::AttachOpen { uid: uid.to_owned(), signed });
        let (up, parts) = tunnel::up(v1::AttachUp { part: Some(open) });
        let mut client = client(&self.dial).await?;
        let attached = async {
            let mut down = client.attach(parts).await?.into_inner();
            let first = down.message().await?.and_then(|first| first.part);
            Ok((first, down))
        };
        let (first, down) = attached.await.map_err(|status| self.failed(status))?;
        match first {
            Some(v1::attach_down::Part::Opened(opened)) => Ok(Tunnel::new(opened, up, down)),
            _ => Err(BadMessage("opening of a tunnel").into()),
        }
    }

    /// Calls the gateway.
    pub(super) fn client(&self) -> GatewayClient<Channel> {
        self.client.clone()
    }

    pub(super) fn failed(&self, status: Status) -> RemoteFailed {
        if let Some(reason) = self.refusal.reason() {
            return RemoteFailed::Denied(format!(
                "the gateway does not know this access: {reason}"
            ));
        }
        let words = status.message().to_owned();
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => RemoteFailed::Denied(words),
            Code::InvalidArgument | Code::ResourceExhausted | Code::Unimplemented => {
                RemoteFailed::Refused(words)
            }
            Code::FailedPrecondition => RemoteFailed::Replica(words),
            _ => RemoteFailed::Unreached(status.into()),
        }
    }
}

impl RemoteFailed {
    /// The opener's own error, if that is what happened.
    pub fn opening<E: Error + 'static>(&self) -> Option<&E> {
        causes(self).find_map(|error| error.downcast_ref())
    }

    /// Whether the gateway's certificate, or ours to it, was not accepted.
    pub fn is_handshake(&self) -> bool {
        causes(self).any(|error| error.downcast_ref::<HandshakeFailed>().is_some())
    }
}

async fn client(dial: &Dial) -> Result<GatewayClient<Channel>, RemoteFailed> {
    let channel = dial.channel().await.map_err(|error| RemoteFailed::Unreached(error.into()))?;
    Ok(GatewayClient::new(channel).max_decoding_message_size(MAX_MESSAGE))
}

fn causes(error: &RemoteFailed) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

fn described(wire: v1::Described) -> Result<Described, BadMessage> {
    match wire.told.ok_or(BadMessage("description"))? {
        Told::Runtime(runtime) => Ok(Ok(Description::try_from(runtime)?)),
        Told::Failed(done) => {
            let outcome = done.outcome.ok_or(BadMessage("outcome"))?;
            Ok(Err(Outcome::try_from(outcome)?))
        }
    }
}

/// A description on its way to whoever asked.
pub fn wire_described(described: Described) -> v1::Described {
    let told = match described {
        Ok(description) => Told::Runtime(description.into()),
        Err(outcome) => Told::Failed(prepl_core::Done::without_answer(outcome).into()),
    };
    v1::Described { told: Some(told) }
}
