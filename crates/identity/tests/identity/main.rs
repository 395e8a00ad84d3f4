//! The crate as its users see it: real files, real handshakes.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic as a test does")]

mod authorities;
mod bundles;
mod common;
mod handshakes;
mod names;
mod newcomers;
mod reloads;
mod requests;
mod signatures;
