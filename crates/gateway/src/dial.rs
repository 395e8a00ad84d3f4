//! Connections to sidecars: mutual TLS to exactly the named replica, kept and shared.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prepl_core::ports::Connect;
use prepl_core::{Outcome, Reason, Replica};
use prepl_identity::{Connector, Credentials, Name, Refusal, Secure, TrustDomain};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::claim::Shown;
use crate::coalesce::Together;
use crate::line::SidecarLine;
use crate::tunnel::Tunnel;

/// Bytes in flight of one stream and of one connection: with hyper's own windows, one reader that
/// stalls on 1,000 replicas pins 2.6 GB.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// A sidecar that is gone without a word is noticed after the two.
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials sidecars and keeps the connections; clones share them.
#[derive(Clone)]
pub struct Dialer {
    shared: Arc<Shared>,
    caller: Option<Caller>,
}

/// The user that a gateway asks for.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: Arc<str>,
    pub(crate) shown: Option<Arc<Shown>>,
}

struct Shared {
    connector: Connector,
    domain: TrustDomain,
    kept: Mutex<HashMap<Key, SidecarLine>>,
}

type Key = (Arc<str>, Arc<str>);

/// Why a sidecar cannot be reached; nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unreached {
    /// The network gives no connection.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Where the replica should be.
        address: Arc<str>,
        /// What the system says.
        reason: Arc<str>,
    },
    /// There is a connection, and not to that replica.
    #[error("{address} is not that replica's sidecar: {reason}")]
    Handshake {
        /// Where it is.
        address: Arc<str>,
        /// What is wrong with it.
        reason: Arc<str>,
    },
}

impl Dialer {
    /// A dialer that shows `credentials`.
    pub fn new(credentials: &Credentials) -> Dialer {
        let shared = Shared {
            connector: Connector::new(credentials),
            domain: credentials.current().name().domain.clone(),
            kept: Mutex::default(),
        };
        Dialer { shared: Arc::new(shared), caller: None }
    }

    /// The same for a user that this gateway asks for, and what he signed.
    pub fn on_behalf_of(&self, name: Arc<str>, shown: Option<Shown>) -> Dialer {
        let caller = Caller { name, shown: shown.map(Arc::new) };
        Dialer { shared: Arc::clone(&self.shared), caller: Some(caller) }
    }

    /// Opens a tunnel to a replica's REPL, on a connection of its own: one whose reader stalls
    /// holds up nobody else.
    pub(crate) async fn attach(&self, replica: &Replica) -> Result<Tunnel, Outcome> {
        let line = self.shared.dial(replica).await?;
        line.for_caller(self.caller.clone()).attach(&replica.id.uid).await
    }

    /// Closes the connections to replicas whose UID is not wanted any more.
    pub fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        self.shared.kept().retain(|(_, uid), _| wanted(uid));
    }
}

impl Shared {
    async fn dial(&self, replica: &Replica) -> Result<SidecarLine, Outcome> {
        let unreachable = |reason: &str| Outcome::Unreachable(Reason::new(reason));
        let name = Name::sidecar(&self.domain, &replica.id.uid)
            .map_err(|bad| unreachable(&bad.to_string()))?;
        let endpoint = Endpoint::from_shared(format!("http://{}", replica.address))
            .map_err(|_| unreachable("its address is not HOST:PORT"))?
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let refusal = Refusal::default();
        let channel = self.channel(endpoint, name, Arc::clone(&replica.address), &refusal).await;
        let channel = channel.map_err(|error| {
            let unreached = find_unreached(&error).map(|unreached| unreached.to_string());
            unreachable(&unreached.unwrap_or_else(|| error.to_string()))
        })?;
        Ok(SidecarLine::new(channel, refusal))
    }

    async fn channel(
        &self,
        endpoint: Endpoint,
        name: Name,
        address: Arc<str>,
        refusal: &Refusal,
    ) -> Result<Channel, tonic::transport::Error> {
        let connector = self.connector.clone();
        let refusal = refusal.clone();
        let connect = service_fn(move |_| {
            let (connector, name) = (connector.clone(), name.clone());
            let (address, refusal) = (Arc::clone(&address), refusal.clone());
            async move { secure(&connector, &name, address, refusal).await.map(TokioIo::new) }
        });
        endpoint.connect_with_connector(connect).await
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Key, SidecarLine>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connect for Dialer {
    type Line = SidecarLine;

    async fn connect(&self, replica: &Replica) -> Result<SidecarLine, Outcome> {
        let key = (Arc::clone(&replica.address), Arc::clone(&replica.id.uid));
        let kept = self.shared.kept().get(&key).cloned();
        let line = match kept {
            Some(line) => line,
            None => {
                let line = self.shared.dial(replica).await?;
                self.shared.kept().insert(key, line.clone());
                line
            }
        };
        Ok(line.for_caller(self.caller.clone()))
    }
}

async fn secure(
    connector: &Connector,
    name: &Name,
    address: Arc<str>,
    refusal: Refusal,
) -> Result<Together<Secure>, Unreached> {
    let failed = |error: io::Error| Unreached::Connect {
        address: Arc::clone(&address),
        reason: error.to_string().into(),
    };
    let socket = TcpStream::connect(&*address).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    let stream = connector.connect(socket, name).await.map_err(|error| Unreached::Handshake {
        address: Arc::clone(&address),
        reason: error.to_string().into(),
    })?;
    Ok(Together::new(stream.telling(refusal)))
}

/// Finds our own reason below what the transport made of it.
pub(crate) fn find_unreached<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a Unreached> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(unreached) = error.downcast_ref::<Unreached>() {
            return Some(unreached);
        }
        next = error.source();
    }
    None
}
