//! Memory for large answers: one budget for all sessions of a sidecar.
//!
//! What is small is not counted: it is bounded by the number of sessions and by the queues.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Largest value in bytes, whatever an evaluation asks for; more of it is cut, and the cut is told.
pub const MAX_VALUE: u32 = 8 << 20;
/// Bytes in all: one of the largest values and a little more.
///
/// A value stands in memory up to four times on its way to the wire, and a sidecar takes some
/// 15 MiB anyway: 15 + 9 + 3 · 8 = 48 MiB. Buffers that grow by doubling come on top: 69 MB were
/// seen under floods of 16 large values.
pub const MAX_BYTES: usize = 9 << 20;
/// Bytes of one session or text that are not counted: 16 sessions of them are 1 MiB.
pub const FREE_BYTES: usize = 64 << 10;

/// The budget; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Budget(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// In the shares, without what is free.
    by_shares: usize,
    /// On their way to a reader; they count until nobody has them any more.
    texts: Vec<Weak<str>>,
}

/// What one session, or one message to a reader, holds; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    counted: usize,
}

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answers that this sidecar holds for all its callers are larger than {} MiB; try again, or \
     with a smaller --limit-bytes",
    MAX_BYTES >> 20
)]
pub struct NoRoom;

impl Budget {
    /// A share of it that holds nothing yet.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), counted: 0 }
    }

    /// Lets go of texts that nobody has any more; to be called now and then.
    pub fn sweep(&self) {
        self.held().sweep();
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Notes that so many bytes are held now; without room it is what was held before.
    pub fn hold(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let now = counted(bytes);
        if now == self.counted {
            return Ok(());
        }
        let mut held = self.budget.held();
        if now > self.counted && held.bytes() + (now - self.counted) > MAX_BYTES {
            return Err(NoRoom);
        }
        held.change(&mut self.counted, now);
        Ok(())
    }

    /// Notes what is held now, room or not: it was let in before, as a text.
    pub fn count(&mut self, bytes: usize) {
        let now = counted(bytes);
        if now != self.counted {
            self.budget.held().change(&mut self.counted, now);
        }
    }

    /// Notes that a large text has left the session and is on its way to a reader.
    pub fn passes_on(&self, text: &Arc<str>) {
        self.budget.held().texts.push(Arc::downgrade(text));
    }
}

fn counted(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

impl Held {
    fn change(&mut self, counted: &mut usize, now: usize) {
        self.by_shares = self.by_shares - *counted + now;
        *counted = now;
        self.sweep();
    }

    /// A weak text alone would keep its memory.
    fn sweep(&mut self) {
        self.texts.retain(|text| text.strong_count() > 0);
    }

    fn bytes(&mut self) -> usize {
        self.sweep();
        let texts = self.texts.iter().filter_map(Weak::upgrade);
        self.by_shares + texts.map(|text| text.len()).sum::<usize>()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held().change(&mut self.counted, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_ends_makes_room_for_another() {
        let budget = Budget::default();
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.hold(MAX_BYTES), Ok(()));
        assert_eq!(second.hold(FREE_BYTES), Ok(()), "what is small is free");
        assert_eq!(second.hold(4 * FREE_BYTES), Err(NoRoom));
        drop(first);
        assert_eq!(second.hold(4 * FREE_BYTES), Ok(()));
    }

    #[test]
    fn a_text_counts_until_its_reader_has_it() {
        let budget = Budget::default();
        let mut share = budget.share();
        let text: Arc<str> = "x".repeat(MAX_BYTES).into();
        share.passes_on(&text);
        assert_eq!(share.hold(2 * FREE_BYTES), Err(NoRoom));
        drop(text);
        assert_eq!(share.hold(2 * FREE_BYTES), Ok(()));
    }

    #[test]
    fn less_can_be_held_even_when_there_is_no_room() {
        let budget = Budget::default();
        let mut share = budget.share();
        share.hold(MAX_BYTES).unwrap();
        share.passes_on(&"x".repeat(MAX_BYTES).into());
        let kept: Arc<str> = "x".repeat(MAX_BYTES).into();
        share.passes_on(&kept);
        assert_eq!(share.hold(MAX_BYTES + 2 * FREE_BYTES), Err(NoRoom));
        assert_eq!(share.hold(2 * FREE_BYTES), Ok(()));
    }
}
