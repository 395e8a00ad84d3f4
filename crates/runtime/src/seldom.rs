//! What a peer can make a daemon tell at will, in logs and events: some a second, and the rest is
//! counted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages of one second.
const A_SECOND: u32 = 3;

/// Decides which messages are told.
#[derive(Debug)]
pub struct Seldom(Mutex<Told>);

#[derive(Debug)]
struct Told {
    since: Instant,
    told: u32,
    untold: u64,
}

impl Seldom {
    /// Nothing is told yet.
    pub fn new(now: Instant) -> Seldom {
        Seldom(Mutex::new(Told { since: now, told: 0, untold: 0 }))
    }

    /// Whether to tell a message at `now`: with the number of those before it that were not.
    pub fn may_tell(&self, now: Instant) -> Option<u64> {
        // A poisoned lock is safe: no step between two changes can panic.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(told.since) >= Duration::from_secs(1) {
            (told.since, told.told) = (now, 0);
        }
        if told.told == A_SECOND {
            told.untold += 1;
            return None;
        }
        told.told += 1;
        Some(std::mem::take(&mut told.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_told_each_second_and_the_rest_is_counted() {
        let start = Instant::now();
        let seldom = Seldom::new(start);
        let told: Vec<_> = (0..5).map(|_| seldom.may_tell(start)).collect();
        assert_eq!(told, [Some(0), Some(0), Some(0), None, None]);
        assert_eq!(seldom.may_tell(start + Duration::from_secs(1)), Some(2));
        assert_eq!(seldom.may_tell(start + Duration::from_secs(1)), Some(0));
    }
}
