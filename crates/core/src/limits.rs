//! Bounds of one evaluation and of one run.

use std::time::Duration;

/// Bounds of one evaluation on one replica; the sidecar may lower, never raise them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    time: Duration,
    value_bytes: u32,
    output_bytes: u32,
}

/// A bound outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLimit {
    /// Time outside [`Limits::TIME_RANGE`].
    #[error("the time limit must lie between 1ms and 1h")]
    Time,
    /// Bytes outside [`Limits::BYTES_RANGE`].
    #[error("the byte limit must lie between 1 and 16Mi")]
    Bytes,
}

impl Limits {
    /// Shortest and longest time an evaluation may get.
    pub const TIME_RANGE: (Duration, Duration) =
        (Duration::from_millis(1), Duration::from_secs(3600));
    /// Fewest and most bytes of a value or of the output.
    pub const BYTES_RANGE: (u32, u32) = (1, 16 << 20);
    /// Most events of one evaluation that are not output: one for every byte of the largest
    /// expression, as `1 1 1 …` gives a value for every second byte.
    pub const MAX_EVENTS: u32 = 1 << 20;

    /// The most that an evaluation may ever get.
    pub const WIDEST: Limits = Limits {
        time: Self::TIME_RANGE.1,
        value_bytes: Self::BYTES_RANGE.1,
        output_bytes: Self::BYTES_RANGE.1,
    };

    /// Checks the bounds: `time` in [`Self::TIME_RANGE`], bytes in [`Self::BYTES_RANGE`].
    pub fn new(time: Duration, value_bytes: u32, output_bytes: u32) -> Result<Limits, BadLimit> {
        let (shortest, longest) = Self::TIME_RANGE;
        let (fewest, most) = Self::BYTES_RANGE;
        if !(shortest..=longest).contains(&time) {
            return Err(BadLimit::Time);
        }
        if ![value_bytes, output_bytes].iter().all(|bytes| (fewest..=most).contains(bytes)) {
            return Err(BadLimit::Bytes);
        }
        Ok(Limits { time, value_bytes, output_bytes })
    }

    /// Longest wall time of the evaluation in the runtime.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Most bytes of one printed value; the rest is cut and said to be cut.
    pub fn value_bytes(&self) -> u32 {
        self.value_bytes
    }

    /// Most bytes of printed output in all; the rest is counted and dropped.
    pub fn output_bytes(&self) -> u32 {
        self.output_bytes
    }

    /// Most text of values, exceptions and notices in all: four of the largest values, and no
    /// less than 1 MiB.
    pub fn text_bytes(&self) -> usize {
        (self.value_bytes as usize * 4).max(1 << 20)
    }

    /// The smaller of both bounds, one by one.
    pub fn at_most(self, ceiling: Limits) -> Limits {
        Limits {
            time: self.time.min(ceiling.time),
            value_bytes: self.value_bytes.min(ceiling.value_bytes),
            output_bytes: self.output_bytes.min(ceiling.output_bytes),
        }
    }
}

impl Default for Limits {
    /// 30 s; 1 MiB a value; 1 MiB of output.
    fn default() -> Self {
        Limits { time: Duration::from_secs(30), value_bytes: 1 << 20, output_bytes: 1 << 20 }
    }
}

/// How long a run waits, besides the evaluation's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait for a connection to one replica.
    pub connect: Duration,
    /// Longest time of the whole run; `None` waits as long as the replicas may take.
    pub deadline: Option<Duration>,
}

impl Patience {
    /// Time that a sidecar gets to confirm an interrupt after the evaluation's time is over.
    pub const INTERRUPT_GRACE: Duration = Duration::from_secs(2);
    /// What the gateway waits beyond that before it gives up on a silent sidecar.
    pub const SILENCE: Duration = Duration::from_secs(3);
}

impl Default for Patience {
    fn default() -> Self {
        Patience { connect: Duration::from_secs(3), deadline: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_the_ranges_are_allowed_and_no_more() {
        let (shortest, longest) = Limits::TIME_RANGE;
        let (fewest, most) = Limits::BYTES_RANGE;
        assert!(Limits::new(shortest, fewest, most).is_ok());
        assert!(Limits::new(longest, most, fewest).is_ok());
        assert_eq!(Limits::new(Duration::ZERO, 1, 1), Err(BadLimit::Time));
        assert_eq!(Limits::new(longest + shortest, 1, 1), Err(BadLimit::Time));
        assert_eq!(Limits::new(shortest, 0, 1), Err(BadLimit::Bytes));
        assert_eq!(Limits::new(shortest, 1, most + 1), Err(BadLimit::Bytes));
    }

    #[test]
    fn a_ceiling_lowers_and_never_raises() {
        let low = Limits::new(Duration::from_secs(1), 10, 4 << 20).unwrap();
        let both = low.at_most(Limits::default());
        assert_eq!((both.time().as_secs(), both.value_bytes()), (1, 10));
        assert_eq!(both.output_bytes(), Limits::default().output_bytes());
    }
}
