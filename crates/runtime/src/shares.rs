//! What each of many callers has a share of, for as long as somebody holds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Shares by the caller's name; one that nobody holds is forgotten.
#[derive(Debug)]
pub struct Shares<T>(Mutex<HashMap<Box<str>, Weak<T>>>);

impl<T> Default for Shares<T> {
    fn default() -> Self {
        Shares(Mutex::default())
    }
}

impl<T> Shares<T> {
    /// The caller's share: the one that is held, or a new one.
    pub fn of(&self, caller: &str, new: impl FnOnce() -> T) -> Arc<T> {
        // A poisoned lock is safe: no step between two changes can panic.
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shares.get(caller).and_then(Weak::upgrade) {
            return known;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(new());
        shares.insert(caller.into(), Arc::downgrade(&share));
        share
    }

    /// How many callers are remembered.
    pub fn remembered(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_while_it_is_held_and_forgotten_afterwards() {
        let shares = Shares::default();
        let first = shares.of("mira", || 1);
        assert!(Arc::ptr_eq(&first, &shares.of("mira", || 2)));
        assert_eq!(*shares.of("otto", || 3), 3);
        drop(first);
        assert_eq!(*shares.of("mira", || 4), 4);
        assert_eq!(shares.remembered(), 1);
    }
}
