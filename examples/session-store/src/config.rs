use std::net::SocketAddr;

use thiserror::Error;

/// The most sessions that the store pretends to have.
pub const MAX_STORED_SESSIONS: u32 = 100_000;

/// What one replica of the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the REPL listens; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The version of the service that this replica says it is.
    pub version: String,
    /// The zone that this replica says it runs in.
    pub zone: String,
    /// How many sessions the store starts with, at most [`MAX_STORED_SESSIONS`].
    pub sessions: u32,
    /// The generation of its cache.
    pub cache_generation: u32,
    /// Entries in its cache.
    pub cache_size: u32,
    /// Seconds that an entry of its cache lives.
    pub cache_ttl: u32,
    /// The features that are switched on.
    pub features: Vec<String>,
    /// The same seed makes the same sessions.
    pub seed: u64,
}

/// Why the service cannot start.
#[derive(Debug, Error)]
pub enum Unusable {
    /// A REPL has no password, so it may not face the network.
    #[error("{0} is no loopback address; let the REPL listen on 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// More sessions than [`MAX_STORED_SESSIONS`].
    #[error("{0} sessions are too many; ask for {MAX_STORED_SESSIONS} at most")]
    TooManySessions(u32),
    /// The port cannot be opened.
    #[error("cannot listen on {address}; choose another port, or 0 for a free one")]
    Port {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}

impl Config {
    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), Unusable> {
        if !self.listen.ip().is_loopback() {
            return Err(Unusable::NotLoopback(self.listen));
        }
        if self.sessions > MAX_STORED_SESSIONS {
            return Err(Unusable::TooManySessions(self.sessions));
        }
        Ok(())
    }
}
