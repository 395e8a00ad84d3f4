//! Equal answers folded, differences explained.
//!
//! Answers of many replicas go in; groups of equal ones come out, with what differs between
//! them and which attribute of the replicas separates them. Values compare by what they mean,
//! not by how they happened to be printed. What replicas print is not trusted: reading is
//! bounded in size, depth and number, and what cannot be read compares as text.
//!
//! This crate must not know: I/O, terminals, how an answer is shown, where it came from.
//!
//! Reading order: [`Value`] (`value`), how it is [`read`] and written again ([`canonical`]), its
//! [`shape`], when two are equal ([`Comparison`] of `compare`, `intern`), [`fold`] (`group`, with
//! the `pattern` of messages and of a `frame`), [`difference`] (with `cut`) and [`explain`].

mod canonical;
mod compare;
mod cut;
mod difference;
mod explain;
mod frame;
mod group;
mod intern;
mod pattern;
mod read;
mod shape;
mod value;

pub use canonical::canonical;
pub use compare::{Comparison, UnknownComparison};
pub use difference::{Change, Difference, MAX_CHANGES, PathStep, difference};
pub use explain::{Explanation, Kind, MAX_EXPLANATIONS, explain};
pub use group::{Folded, Group, RaisedGroup, SilentGroup, fold};
pub use read::{MAX_DEPTH, MAX_ELEMENTS, read};
pub use shape::shape;
pub use value::{Digits, Value};
