//! Equal answers folded, differences explained.
