//! How many denials of one user are recorded: whoever may do nothing must not fill the audit log,
//! nor push out of it what others did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Denials of one user that are recorded within a minute.
const A_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// Most users that are told apart; more have a share together.
const MAX_USERS: usize = 4096;

/// Counts denials by the names of users; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Denials(Arc<Mutex<HashMap<String, Count>>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    recorded: u32,
    left_out: u64,
}

impl Denials {
    /// Whether one more of this user is recorded, and how many before it were not.
    pub fn may_record(&self, user: &str) -> Option<u64> {
        let now = Instant::now();
        // A poisoned lock is safe: no step between two changes can panic.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_USERS {
            counts.retain(|_, count| now.duration_since(count.since) < MINUTE);
        }
        let is_known = counts.contains_key(user) || counts.len() < MAX_USERS;
        let user = if is_known { user } else { "" };
        let fresh = Count { since: now, recorded: 0, left_out: 0 };
        let count = counts.entry(user.to_owned()).or_insert(fresh);
        if now.duration_since(count.since) >= MINUTE {
            *count = Count { left_out: count.left_out, ..fresh };
        }
        if count.recorded == A_MINUTE {
            count.left_out += 1;
            return None;
        }
        count.recorded += 1;
        Some(std::mem::take(&mut count.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_user_has_his_share_and_the_rest_is_counted() {
        let denials = Denials::default();
        for _ in 0..A_MINUTE {
            assert_eq!(denials.may_record("mira"), Some(0));
        }
        assert_eq!((denials.may_record("mira"), denials.may_record("mira")), (None, None));
        assert_eq!(denials.may_record("otto"), Some(0));
        advance(MINUTE).await;
        assert_eq!(denials.may_record("mira"), Some(2));
        assert_eq!(denials.may_record("mira"), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn users_without_number_share_one_place() {
        let denials = Denials::default();
        for user in 0..MAX_USERS as u32 + A_MINUTE {
            assert_eq!(denials.may_record(&user.to_string()), Some(0));
        }
        assert_eq!(denials.may_record("one more"), None);
    }
}
