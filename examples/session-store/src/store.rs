use std::collections::BTreeMap;

use crate::Config;

/// Pretended users come from this list.
const USERS: [&str; 8] = ["ada", "alan", "barbara", "edsger", "grace", "john", "niklaus", "tony"];
/// The longest time that a pretended session has been idle, in seconds.
const MAX_IDLE_SECONDS: u64 = 3600;
/// The most things in a pretended cart.
const MAX_CART: u64 = 9;

/// One session of a pretended user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserSession {
    pub(crate) user: &'static str,
    pub(crate) idle_seconds: u64,
    pub(crate) cart: u64,
}

/// The service's data: its sessions and its settings.
#[derive(Debug)]
pub(crate) struct Store {
    config: Config,
    sessions: BTreeMap<String, UserSession>,
}

impl Store {
    pub(crate) fn new(config: Config) -> Store {
        let mut random = Random(config.seed);
        let sessions = (1..=config.sessions).map(|number| pretend(number, &mut random)).collect();
        Store { config, sessions }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn sessions(&self) -> &BTreeMap<String, UserSession> {
        &self.sessions
    }

    /// Ends the sessions that were idle for longer; says how many.
    pub(crate) fn expire(&mut self, seconds: u64) -> usize {
        let before = self.sessions.len();
        self.sessions.retain(|_, session| session.idle_seconds <= seconds);
        before - self.sessions.len()
    }
}

fn pretend(number: u32, random: &mut Random) -> (String, UserSession) {
    let user = USERS[random.below(USERS.len() as u64) as usize];
    let idle_seconds = random.below(MAX_IDLE_SECONDS);
    let cart = random.below(MAX_CART + 1);
    (format!("s-{number:05}"), UserSession { user, idle_seconds, cart })
}

/// A small generator of pretended data (SplitMix64); not for secrets.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(seed: u64) -> Store {
        Store::new(Config {
            listen: ([127, 0, 0, 1], 0).into(),
            version: "1.0.0".into(),
            zone: "a".into(),
            sessions: 344,
            cache_generation: 118,
            cache_size: 40_212,
            cache_ttl: 300,
            features: vec![],
            seed,
        })
    }

    #[test]
    fn the_same_seed_makes_the_same_sessions() {
        assert_eq!(store(7).sessions(), store(7).sessions());
        assert_ne!(store(7).sessions(), store(8).sessions());
    }

    #[test]
    fn expiry_ends_only_what_was_idle_for_longer() {
        let mut store = store(7);
        let ended = store.expire(1800);
        assert!(ended > 0);
        assert_eq!(store.sessions().len(), 344 - ended);
        assert!(store.sessions().values().all(|session| session.idle_seconds <= 1800));
        assert_eq!(store.expire(1800), 0);
    }
}
