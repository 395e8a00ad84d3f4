//! The sessions that replicas keep for the user.

use prepl_core::{Selection, SessionName};
use prepl_proto::v1;

use super::client::{Remote, RemoteFailed};

impl Remote {
    /// Ends the session that the replicas keep for the user under a name, within about 2 s. Gives
    /// how many have ended one; where that cannot be told, replicas end it by themselves.
    pub async fn end_session(
        &self,
        selection: &Selection,
        name: &SessionName,
    ) -> Result<usize, RemoteFailed> {
        let uids = selection.replicas().iter().map(|replica| replica.id.uid.to_string());
        let request =
            v1::EndSessionsRequest { uids: uids.collect(), session: name.as_str().to_owned() };
        let reply = self.client().end_session(request).await;
        let reply = reply.map_err(|status| self.failed(status))?.into_inner();
        Ok(usize::try_from(reply.ended).unwrap_or(usize::MAX))
    }
}
