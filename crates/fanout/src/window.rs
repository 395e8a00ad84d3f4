//! How many replicas may be at work: few at first, soon as many as the plan allows.
//!
//! Handshakes cost the gateway's processors; 64 that begin together also end together, and the
//! first answer of a cold fleet waits for all of them.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Replicas that start at once.
const FIRST: usize = 4;
/// Replicas that start after each tick, whatever the others do: 64 are at work after 60 ms. More
/// would be handshakes faster than one processor does them, about 2,000 a second.
const PER_TICK: usize = 1;
/// Time between two ticks; tokio's timer knows nothing shorter.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// A window that opens up to its width.
#[derive(Debug)]
pub(crate) struct Window {
    open: usize,
    width: usize,
}

impl Window {
    pub(crate) fn new(width: NonZeroUsize) -> Window {
        Window { open: FIRST.min(width.get()), width: width.get() }
    }

    /// Replicas that may be at work now.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    pub(crate) fn is_opening(&self) -> bool {
        self.open < self.width
    }

    /// One ended: the gateway can take one more than before.
    pub(crate) fn ended(&mut self) {
        self.open = (self.open + 1).min(self.width);
    }

    /// A tick passed.
    pub(crate) fn ticked(&mut self) {
        self.open = (self.open + PER_TICK).min(self.width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_opens_to_its_width_and_never_beyond(width in 1_usize..200, steps: Vec<bool>) {
            let mut window = Window::new(NonZeroUsize::new(width).unwrap());
            for ended in steps {
                let before = window.open();
                if ended { window.ended() } else { window.ticked() }
                prop_assert!((before..=width).contains(&window.open()));
            }
            (0..width).for_each(|_| window.ticked());
            prop_assert_eq!((window.open(), window.is_opening()), (width, false));
        }
    }
}
