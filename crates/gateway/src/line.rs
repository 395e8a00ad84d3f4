//! One connection to a sidecar: evaluations down, events up.

use std::sync::Arc;

use prepl_core::ports::{Events, Line};
use prepl_core::{
    Description, Evaluation, Event, Input, Outcome, Reason, Refusal as Refused, RequestId,
    SessionName,
};
use prepl_identity::Refusal;
use prepl_proto::v1;
use prepl_proto::v1::sidecar_client::SidecarClient;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::claim::Shown;
use crate::dial::{Caller, find_unreached};
use crate::tunnel::{self, Tunnel};

/// Largest message of a sidecar: one value at its largest, and what surrounds it.
const MAX_MESSAGE: usize = (16 << 20) + (64 << 10);

/// A connection to one sidecar; clones share it.
#[derive(Clone, Debug)]
pub struct SidecarLine {
    client: SidecarClient<Channel>,
    refusal: Refusal,
    /// The user that a gateway asks for; empty for a user who asks for himself.
    caller: Arc<str>,
    /// What that user signed.
    shown: Option<Arc<Shown>>,
}

/// The events of one evaluation, as a sidecar sends them.
#[derive(Debug)]
pub struct SidecarEvents {
    stream: Streaming<v1::EventBatch>,
    replica_uid: Arc<str>,
}

impl SidecarLine {
    pub(crate) fn new(channel: Channel, refusal: Refusal) -> SidecarLine {
        let client = SidecarClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        SidecarLine { client, refusal, caller: "".into(), shown: None }
    }

    pub(crate) fn for_caller(self, caller: Option<Caller>) -> SidecarLine {
        match caller {
            Some(Caller { name, shown }) => SidecarLine { caller: name, shown, ..self },
            None => self,
        }
    }

    fn shown(&self, uid: &str) -> (Option<v1::Signed>, Option<v1::Membership>) {
        self.shown.as_ref().and_then(|shown| shown.to(uid)).unzip()
    }

    async fn call(&self, evaluation: &Evaluation) -> Result<Streaming<v1::EventBatch>, Outcome> {
        let mut request = v1::EvalRequest::from(evaluation.clone());
        request.caller = self.caller.to_string();
        (request.signed, request.membership) = self.shown(&evaluation.replica_uid);
        let called = self.client.clone().eval(request).await;
        prepl_fault::point("run.dispatched");
        called.map(tonic::Response::into_inner).map_err(|status| self.outcome(&status))
    }

    /// Opens a tunnel to the REPL of the replica with this UID.
    pub(crate) async fn attach(&self, uid: &str) -> Result<Tunnel, Outcome> {
        let caller = self.caller.to_string();
        let (signed, membership) = self.shown(uid);
        let open = v1::TunnelOpen { replica_uid: uid.to_owned(), caller, signed, membership };
        let open = v1::TunnelUp { part: Some(v1::tunnel_up::Part::Open(open)) };
        let (up, parts) = tunnel::up(open);
        let attached = async {
            let mut down = self.client.clone().tunnel(parts).await?.into_inner();
            let first = down.message().await?.and_then(|first| first.part);
            Ok((first, down))
        };
        let (first, down) = attached.await.map_err(|status| self.no_tunnel(&status))?;
        match first {
            Some(v1::tunnel_down::Part::Opened(opened)) => Ok(Tunnel::new(opened, up, down)),
            _ => Err(Outcome::unknown("the sidecar does not say that the tunnel is open")),
        }
    }

    fn no_tunnel(&self, status: &Status) -> Outcome {
        let words = Reason::new(status.message());
        match (status.code(), self.outcome(status)) {
            (Code::ResourceExhausted, Outcome::Unknown { .. }) => {
                Outcome::Refused(Refused::Limit(words))
            }
            (Code::Unavailable, Outcome::Unknown { .. }) => Outcome::Unreachable(words),
            (Code::Unimplemented, _) => Outcome::Refused(Refused::Limit(Reason::new(
                "its sidecar is of a version without tunnels; replace the pod",
            ))),
            (_, outcome) => outcome,
        }
    }

    /// The outcome behind a failed call.
    fn outcome(&self, status: &Status) -> Outcome {
        if let Some(unreached) = find_unreached(status) {
            return Outcome::Unreachable(Reason::new(unreached.to_string()));
        }
        if let Some(reason) = self.refusal.reason() {
            return Outcome::Refused(Refused::Denied(Reason::new(reason)));
        }
        let words = Reason::new(status.message());
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => {
                Outcome::Refused(Refused::Denied(words))
            }
            // A failed precondition: the address is another replica's by now.
            Code::InvalidArgument | Code::Unimplemented | Code::FailedPrecondition => {
                Outcome::Refused(Refused::Limit(words))
            }
            _ => Outcome::unknown(format!("the sidecar's connection broke: {words}")),
        }
    }
}

impl Line for SidecarLine {
    type Events = SidecarEvents;

    async fn evaluate(&self, evaluation: Evaluation) -> Result<SidecarEvents, Outcome> {
        let replica_uid = Arc::clone(&evaluation.replica_uid);
        let stream = match self.call(&evaluation).await {
            // The connection broke. A sidecar that was asked knows the answer; one that does not
            // know the request may be another process, and must not run it again.
            Err(broke @ Outcome::Unknown { .. }) => {
                let recall = Evaluation { recall: true, ..evaluation };
                self.call(&recall).await.map_err(|_| broke)
            }
            called => called,
        };
        Ok(SidecarEvents { stream: stream?, replica_uid })
    }

    async fn interrupt(&self, request: RequestId) {
        let wire = v1::InterruptRequest {
            request_id: request.as_bytes().to_vec(),
            caller: self.caller.to_string(),
        };
        // A sidecar that cannot be asked does not confirm either: the evaluation's end tells.
        let _ = self.client.clone().interrupt(wire).await;
    }

    async fn input(
        &self,
        request: RequestId,
        replica_uid: &str,
        input: &Input,
    ) -> Result<(), Reason> {
        let mut wire = v1::InputRequest::of(request, replica_uid, input);
        wire.caller = self.caller.to_string();
        wire.membership = self.shown.as_ref().and_then(|shown| shown.member(replica_uid));
        // One that does not run any more reads nothing: its end tells.
        let given = self.client.clone().input(wire).await;
        given.map(drop).map_err(|status| match status.code() {
            Code::Unimplemented => {
                Reason::new("its sidecar is of a version that takes none; replace the pod")
            }
            _ => Reason::new(status.message()),
        })
    }

    async fn end_session(&self, name: &SessionName) -> bool {
        let wire = v1::EndSessionRequest {
            session: name.as_str().to_owned(),
            caller: self.caller.to_string(),
        };
        // One that cannot be asked ends it by itself, when it is idle or the access is over.
        let reply = self.client.clone().end_session(wire).await;
        reply.is_ok_and(|reply| reply.get_ref().ended)
    }

    async fn describe(&self) -> Result<Description, Outcome> {
        let asked = self.client.clone().describe(v1::DescribeRequest {}).await;
        let reply = asked.map_err(|status| match status.code() {
            Code::Unavailable => Outcome::Unreachable(Reason::new(status.message())),
            _ => self.outcome(&status),
        })?;
        let description = Description::try_from(reply.into_inner());
        description.map_err(|bad| Outcome::Unreachable(Reason::new(bad.to_string())))
    }
}

impl Events for SidecarEvents {
    async fn next(&mut self) -> Option<Result<Vec<Event>, Outcome>> {
        match self.stream.message().await {
            Ok(Some(batch)) if *batch.replica_uid == *self.replica_uid => {
                let events = batch.events.into_iter().map(Event::try_from);
                let events = events.collect::<Result<_, _>>();
                Some(events.map_err(|bad| Outcome::unknown(bad.to_string())))
            }
            Ok(Some(_)) => Some(Err(Outcome::unknown("another replica answered"))),
            Ok(None) => None,
            Err(status) => Some(Err(broken(&status))),
        }
    }
}

fn broken(status: &Status) -> Outcome {
    Outcome::unknown(format!("the sidecar's answer broke off: {}", status.message()))
}
