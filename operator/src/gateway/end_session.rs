//! The end of a session that replicas keep for a caller: by his own word, or with his right.

use std::sync::Arc;

use prepl_core::{Selection, SessionName};
use prepl_gateway::remote::wire;
use prepl_gateway::{Dialer, Gateway};
use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use tonic::Status;

use super::doorkeeper::Guest;
use super::service::{GatewayService, bad, too_many};

impl GatewayService {
    /// Ends a session of the caller. He needs no right for that: nobody else has it.
    pub(super) async fn end_kept(
        &self,
        guest: &Guest,
        wire: v1::EndSessionsRequest,
    ) -> Result<v1::EndSessionsReply, Status> {
        let name = wire.session.parse().map_err(|_| bad(BadMessage("session name")))?;
        let uids = wire::uids(wire.uids).map_err(bad)?;
        let _place = guest.place_for_run().ok_or_else(too_many)?;
        let caller = self.caller(guest).await?;
        let there = self.fleet.asked(&uids, &caller.scope).selection;
        let dialer = self.dialer.on_behalf_of(caller.user.username.as_str().into(), None);
        let ended = Gateway::new(dialer).end_session(&there, &name).await;
        Ok(v1::EndSessionsReply { ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }
}

/// The session of a run, to be ended on its replicas when the caller's right to it is taken away.
pub struct RunSession {
    name: SessionName,
    replicas: Selection,
    gateway: Gateway<Dialer>,
}

impl RunSession {
    /// That of a run for `user`, if it has one.
    pub fn of(
        name: Option<SessionName>,
        replicas: &Selection,
        dialer: &Dialer,
        user: Arc<str>,
    ) -> Option<RunSession> {
        let gateway = Gateway::new(dialer.on_behalf_of(user, None));
        Some(RunSession { name: name?, replicas: replicas.clone(), gateway })
    }

    /// Ends it, as far as that can be done.
    pub async fn end(&self) {
        self.gateway.end_session(&self.replicas, &self.name).await;
    }
}
