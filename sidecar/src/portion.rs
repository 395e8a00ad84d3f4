//! How much of this sidecar one caller may take, so that there is a rest for others.
//!
//! A user gets a part, whether he connects himself or a gateway asks for him. A gateway may take
//! all connections that there are.

use std::sync::Arc;

use prepl_identity::{Holder, Name};
use prepl_runtime::shares::Shares;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Connections of one user at a time: a quarter of all.
pub const USER_CONNECTIONS: usize = 64;
/// Evaluations of one user in the runtime at a time: half of all.
pub const USER_RUNNING: usize = 8;
/// Kept sessions of one user at a time: a quarter of all.
pub const USER_SESSIONS: usize = 16;
/// Evaluations of one user that may wait in line: a quarter of all.
pub const USER_WAITING: usize = 64;
/// Tunnels of one user at a time: a quarter of all.
pub const USER_TUNNELS: usize = 4;

/// The portions of all who are here.
#[derive(Debug, Default)]
pub struct Portions(Shares<Portion>);

/// What one caller may take; shared by its connections and evaluations.
#[derive(Debug)]
pub struct Portion {
    connections: Arc<Semaphore>,
    running: Semaphore,
    line: Semaphore,
    tunnels: Arc<Semaphore>,
    sessions: usize,
}

impl Portions {
    /// The portion of the caller with this name.
    pub fn of(&self, name: &Name) -> Arc<Portion> {
        self.0.of(&name.to_string(), || Portion::of(&name.holder))
    }

    /// The portion of a user that a gateway asks for; not of those who connect themselves.
    pub fn of_caller(&self, caller: &str) -> Arc<Portion> {
        self.0.of(caller, Portion::of_user)
    }
}

impl Portion {
    /// What such a caller may take.
    pub fn of(holder: &Holder) -> Portion {
        match holder {
            Holder::Gateway { .. } => Portion::of_gateway(),
            _ => Portion::of_user(),
        }
    }

    fn of_gateway() -> Portion {
        let all = || Semaphore::new(Semaphore::MAX_PERMITS);
        Portion {
            connections: Arc::new(all()),
            running: all(),
            line: all(),
            tunnels: Arc::new(all()),
            sessions: usize::MAX,
        }
    }

    fn of_user() -> Portion {
        Portion {
            connections: Arc::new(Semaphore::new(USER_CONNECTIONS)),
            running: Semaphore::new(USER_RUNNING),
            line: Semaphore::new(USER_RUNNING + USER_WAITING),
            tunnels: Arc::new(Semaphore::new(USER_TUNNELS)),
            sessions: USER_SESSIONS,
        }
    }

    /// A place for a connection, if one is left.
    pub fn connect(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).try_acquire_owned().ok()
    }

    /// A place for a tunnel, if one is left.
    pub fn tunnel(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.tunnels).try_acquire_owned().ok()
    }

    /// How many sessions may be kept for it.
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// A place in line for an evaluation, if one is left.
    pub fn stand_in_line(&self) -> Option<SemaphorePermit<'_>> {
        self.line.try_acquire().ok()
    }

    /// Waits for a place in the runtime; the semaphore is never closed.
    pub async fn run(&self) -> Option<SemaphorePermit<'_>> {
        self.running.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str) -> Name {
        format!("spiffe://fleet/{path}").parse().unwrap()
    }

    fn connections(portion: &Portion) -> usize {
        std::iter::from_fn(|| portion.connect()).take(1000).collect::<Vec<_>>().len()
    }

    #[test]
    fn a_user_takes_a_part_and_a_gateway_all() {
        let portions = Portions::default();
        assert_eq!(connections(&portions.of(&name("user/admin/mira"))), USER_CONNECTIONS);
        assert_eq!(connections(&portions.of(&name("gateway/g1"))), 1000);
    }

    #[test]
    fn what_one_connection_takes_another_of_the_same_caller_lacks() {
        let portions = Portions::default();
        let first = portions.of(&name("user/admin/mira"));
        let _taken: Vec<_> = std::iter::from_fn(|| first.connect()).collect();
        assert!(portions.of(&name("user/admin/mira")).connect().is_none());
        assert!(portions.of(&name("user/admin/oz")).connect().is_some());
    }

    #[test]
    fn callers_that_are_gone_are_forgotten() {
        let portions = Portions::default();
        for number in 0..100 {
            portions.of(&name(&format!("user/admin/u{number}")));
        }
        assert_eq!(portions.0.remembered(), 1);
    }
}
