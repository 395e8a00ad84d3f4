//! Who may connect: the holders of access requests.

use std::sync::Arc;
use std::time::SystemTime;

use prepl_identity::{Holder, Name};
use prepl_runtime::door::Doorkeeper;
use prepl_runtime::shares::Shares;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections of one user at a time, however many accesses he has.
const CONNECTIONS: usize = 16;
/// Runs and tunnels of one user at a time.
const RUNS: usize = 32;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The holder of an access request.
    pub holder: Arc<Holder>,
    /// The user's name, as his certificate tells it.
    pub person: Arc<str>,
    share: Arc<Share>,
}

#[derive(Debug)]
struct Share {
    connections: Arc<Semaphore>,
    runs: Arc<Semaphore>,
}

impl Guest {
    /// A place for a run or a tunnel, if one is left to this user.
    #[must_use]
    pub fn place_for_run(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.share.runs).try_acquire_owned().ok()
    }
}

/// Lets in the holders of access requests, and gives each user his share.
#[derive(Debug, Default)]
pub struct AccessOnly(Shares<Share>);

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum NotLetIn {
    /// A sidecar, a gateway, a controller.
    #[error("{0} holds no access request, and nobody else may ask a gateway")]
    Stranger(Name),
    /// Enough of them.
    #[error("{0} has {CONNECTIONS} connections already")]
    TooMany(Name),
}

impl Doorkeeper for AccessOnly {
    type Guest = Guest;
    type Refusal = NotLetIn;

    fn let_in(
        &self,
        name: &Name,
        person: &str,
        _: SystemTime,
    ) -> Result<(Guest, OwnedSemaphorePermit), NotLetIn> {
        if !matches!(name.holder, Holder::Access { .. }) {
            return Err(NotLetIn::Stranger(name.clone()));
        }
        let share = self.0.of(person, Share::new);
        let place = Arc::clone(&share.connections).try_acquire_owned();
        let place = place.map_err(|_| NotLetIn::TooMany(name.clone()))?;
        let holder = Arc::new(name.holder.clone());
        Ok((Guest { holder, person: person.into(), share }, place))
    }
}

impl Share {
    fn new() -> Share {
        Share {
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            runs: Arc::new(Semaphore::new(RUNS)),
        }
    }
}
