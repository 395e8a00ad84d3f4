//! Good answers of the API server, kept for a moment: who asks a hundred times in a second makes
//! the gateway ask twice. A refusal is never kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How old a kept answer may be: a right that is taken away ends so much later (P6 has 2 s).
const KEPT: Duration = Duration::from_millis(500);
/// Most answers that are kept; about 200 bytes each.
const MAX: usize = 8192;

/// Answers by what was asked; clones keep the same.
#[derive(Debug)]
pub struct Fresh<K, V>(Arc<Mutex<HashMap<K, (Instant, V)>>>);

impl<K: Eq + Hash, V: Clone> Fresh<K, V> {
    /// The answer, if it was given within the last moment.
    pub fn get(&self, asked: &K) -> Option<V> {
        let kept = self.lock();
        let (given, answer) = kept.get(asked)?;
        (given.elapsed() < KEPT).then(|| answer.clone())
    }

    /// Keeps an answer that was asked for at this time.
    pub fn keep(&self, asked: K, at: Instant, answer: V) {
        let mut kept = self.lock();
        if kept.len() >= MAX {
            kept.retain(|_, (given, _)| given.elapsed() < KEPT);
        }
        if kept.len() < MAX {
            kept.insert(asked, (at, answer));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        // A poisoned lock is safe: no step between two changes can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Fresh<K, V> {
    fn default() -> Fresh<K, V> {
        Fresh(Arc::default())
    }
}

impl<K, V> Clone for Fresh<K, V> {
    fn clone(&self) -> Fresh<K, V> {
        Fresh(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_from_when_it_was_asked_for() {
        let fresh = Fresh::default();
        let asked = Instant::now();
        advance(KEPT / 2).await;
        fresh.keep("mira", asked, 1);
        assert_eq!((fresh.get(&"mira"), fresh.get(&"otto")), (Some(1), None));
        advance(KEPT / 2).await;
        assert_eq!(fresh.get(&"mira"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_has_its_bound_and_makes_room() {
        let fresh = Fresh::default();
        (0..=MAX).for_each(|number| fresh.keep(number, Instant::now(), ()));
        assert_eq!(fresh.get(&MAX), None, "there was no room");
        advance(KEPT).await;
        fresh.keep(MAX, Instant::now(), ());
        assert_eq!((fresh.get(&MAX), fresh.lock().len()), (Some(()), 1));
    }
}
