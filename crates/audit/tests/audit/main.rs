//! The crate as its users see it, on a disk that fails and on a real one.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic as a test does")]

mod anchored;
mod common;
mod crashed;
mod exported;
mod failing;
mod kept;
mod killed;
mod read;
mod rotated;
mod shared;
mod sim;
mod tampered;
mod told;
