//! The words of prepl: data, invariants and ports.
