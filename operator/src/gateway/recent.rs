//! How many runs a user started within the last minute, at this gateway.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a run counts.
const MINUTE: Duration = Duration::from_secs(60);
/// Most runs that are remembered of a user: as many as a policy can allow.
const MAX_RUNS: usize = 600;

/// Counts runs by the names of users; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<Counts>>);

type Counts = HashMap<String, VecDeque<Instant>>;

/// A run that counts from now on; dropped before it is kept, it never counted.
#[derive(Debug)]
pub struct Entry {
    counts: Recent,
    user: String,
    begun: Instant,
    /// Runs of the user before this one.
    pub earlier: u32,
}

impl Recent {
    /// Counts one more run. Two at the same moment see each other: each has its own number.
    pub fn enter(&self, user: &str) -> Entry {
        let begun = Instant::now();
        let mut counts = self.lock();
        counts.retain(|_, runs| {
            while runs.front().is_some_and(|run| begun.duration_since(*run) >= MINUTE) {
                runs.pop_front();
            }
            !runs.is_empty()
        });
        let runs = counts.entry(user.to_owned()).or_default();
        let earlier = u32::try_from(runs.len()).unwrap_or(u32::MAX);
        if runs.len() == MAX_RUNS {
            runs.pop_front();
        }
        runs.push_back(begun);
        Entry { counts: self.clone(), user: user.to_owned(), begun, earlier }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // A poisoned lock is safe: no step between two changes can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The run was started.
    pub fn keep(mut self) {
        self.user.clear();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        let Some(runs) = counts.get_mut(&self.user) else { return };
        if let Some(place) = runs.iter().rposition(|run| *run == self.begun) {
            runs.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_run_counts_for_a_minute_and_for_its_user_alone() {
        let recent = Recent::default();
        for earlier in 0..3 {
            let entry = recent.enter("mira");
            assert_eq!(entry.earlier, earlier);
            entry.keep();
            advance(Duration::from_secs(10)).await;
        }
        assert_eq!(recent.enter("otto").earlier, 0);
        advance(Duration::from_secs(31)).await;
        assert_eq!(recent.enter("mira").earlier, 2);
        advance(Duration::from_secs(60)).await;
        assert_eq!(recent.enter("mira").earlier, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_was_not_started_does_not_count_and_two_at_once_do() {
        let recent = Recent::default();
        drop(recent.enter("mira"));
        let (one, other) = (recent.enter("mira"), recent.enter("mira"));
        assert_eq!((one.earlier, other.earlier), (0, 1));
        drop(one);
        other.keep();
        assert_eq!(recent.enter("mira").earlier, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_its_bound() {
        let recent = Recent::default();
        (0..2000).for_each(|_| recent.enter("mira").keep());
        assert_eq!(recent.enter("mira").earlier, 600);
        assert_eq!(recent.lock()["mira"].len(), MAX_RUNS - 1, "the last one was not kept");
        advance(MINUTE).await;
        drop(recent.enter("otto"));
        assert!(!recent.lock().contains_key("mira"));
    }
}
