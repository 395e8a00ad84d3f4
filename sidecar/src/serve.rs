//! Who may connect: gateways, and users of a local fleet.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use prepl_identity::{Credentials, Holder, Name};
use prepl_proto::v1::sidecar_server::SidecarServer;
use prepl_runtime::door::{self, Doorkeeper};
use tokio::net::TcpListener;
use tokio::sync::OwnedSemaphorePermit;
use tonic::service::Routes;

use crate::portion::{Portions, USER_CONNECTIONS};
use crate::service::{Peer, Service};

/// Connections at a time: gateways, and users of a local fleet.
const MAX_CONNECTIONS: usize = 256;

/// Serves until `stop` completes; then no new connection is taken and running streams end.
pub async fn serve(
    listener: TcpListener,
    credentials: &Credentials,
    service: Service,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let doorkeeper = MembersOnly(service.portions());
    let routes = Routes::new(SidecarServer::new(service));
    door::serve(listener, credentials, MAX_CONNECTIONS, doorkeeper, routes, stop).await
}

/// Lets in whoever may ask anything at all.
struct MembersOnly(Arc<Portions>);

/// Why a peer with a good certificate is not let in.
#[derive(Debug, thiserror::Error)]
enum NotLetIn {
    #[error("{0} is neither a gateway nor a user, and nobody else may ask a sidecar")]
    Stranger(Name),
    #[error("{0} has {USER_CONNECTIONS} connections already")]
    TooMany(Name),
}

impl Doorkeeper for MembersOnly {
    type Guest = Peer;
    type Refusal = NotLetIn;

    fn let_in(
        &self,
        name: &Name,
        _: &str,
        until: SystemTime,
    ) -> Result<(Peer, OwnedSemaphorePermit), NotLetIn> {
        if !matches!(name.holder, Holder::Gateway { .. } | Holder::User { .. }) {
            return Err(NotLetIn::Stranger(name.clone()));
        }
        let portion = self.0.of(name);
        let place = portion.connect().ok_or_else(|| NotLetIn::TooMany(name.clone()))?;
        Ok((Peer::new(name, portion, until), place))
    }
}
