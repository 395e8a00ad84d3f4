//! Handshakes under way: silent peers cannot keep others out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

/// Handshakes at a time, besides the connections: some 20 KiB each.
const MAX_HANDSHAKES: usize = 128;
/// Longest handshake while there is room for others.
pub(super) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);
/// What a handshake gets even when others wait: silent peers then leave 128 / 0.25 = 512 new
/// connections a second to others.
const FAIR_TIME: Duration = Duration::from_millis(250);

/// Handshakes under way, the oldest first.
#[derive(Debug, Default)]
pub struct Handshakes(VecDeque<(Instant, AbortHandle)>);

impl Handshakes {
    /// One more.
    pub fn add(&mut self, task: AbortHandle) {
        self.0.push_back((Instant::now(), task));
    }

    /// Waits until there is room: the oldest is given up when it had its fair time.
    pub async fn make_room(&mut self) {
        if self.0.len() < MAX_HANDSHAKES {
            return;
        }
        self.0.retain(|(_, task)| !task.is_finished());
        if self.0.len() < MAX_HANDSHAKES {
            return;
        }
        if let Some((began, oldest)) = self.0.pop_front() {
            tokio::time::sleep_until((began + FAIR_TIME).into()).await;
            oldest.abort();
        }
    }
}
