//! When two values count as equal.

use std::str::FromStr;

/// How values are compared; printed output always compares by its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comparison {
    /// The same text.
    Exact,
    /// The same value, whatever the order of maps and sets and the spacing.
    #[default]
    Canonical,
    /// The same keys and types.
    Shape,
}

/// A word that names no comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no comparison; use exact, canonical or shape")]
pub struct UnknownComparison(String);

impl FromStr for Comparison {
    type Err = UnknownComparison;

    fn from_str(word: &str) -> Result<Comparison, UnknownComparison> {
        match word {
            "exact" => Ok(Comparison::Exact),
            "canonical" => Ok(Comparison::Canonical),
            "shape" => Ok(Comparison::Shape),
            other => Err(UnknownComparison(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_read_from_its_word() {
        assert_eq!("shape".parse(), Ok(Comparison::Shape));
        let error = "same".parse::<Comparison>().unwrap_err().to_string();
        assert_eq!(error, "\"same\" is no comparison; use exact, canonical or shape");
    }
}
