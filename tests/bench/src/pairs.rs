//! Two things measured in turns, and what the pairs say.

use std::time::Duration;

/// A floor that differs more than this within one run is too noisy to judge by.
const NOISY: f64 = 2.0;

/// Times of a floor and of prepl, taken in turns.
#[derive(Debug, Default)]
pub struct Pairs(Vec<(f64, f64)>);

/// Least, median and most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Pairs {
    /// Adds a pair: the floor's time, and then prepl's.
    pub fn add(&mut self, floor: Duration, prepl: Duration) {
        self.0.push((floor.as_secs_f64(), prepl.as_secs_f64()));
    }

    /// The floor's times in seconds.
    pub fn floor(&self) -> Spread {
        Spread::of(self.0.iter().map(|(floor, _)| *floor))
    }

    /// prepl's times in seconds.
    pub fn prepl(&self) -> Spread {
        Spread::of(self.0.iter().map(|(_, prepl)| *prepl))
    }

    /// prepl's time for one of the floor's.
    pub fn ratio(&self) -> Spread {
        Spread::of(self.0.iter().map(|(floor, prepl)| prepl / floor))
    }

    /// The floor did not hold still.
    pub fn is_noisy(&self) -> bool {
        let floor = self.floor();
        floor.most / floor.least > NOISY
    }
}

impl Spread {
    /// The spread of some values; of none, all is zero.
    pub fn of(values: impl Iterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        Spread { least: at(0), median: at(values.len() / 2), most: at(values.len().max(1) - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_pairs_counts_and_a_restless_floor_is_noisy() {
        let mut pairs = Pairs::default();
        for (floor, prepl) in [(10, 20), (10, 30), (10, 10)] {
            pairs.add(Duration::from_millis(floor), Duration::from_millis(prepl));
        }
        assert!((pairs.ratio().median - 2.0).abs() < 1e-9);
        assert!(!pairs.is_noisy());
        pairs.add(Duration::from_millis(30), Duration::from_millis(30));
        assert!(pairs.is_noisy());
    }
}
