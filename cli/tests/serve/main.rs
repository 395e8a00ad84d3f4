//! `prepl serve nrepl` as a binary over real sidecars, spoken to as editors do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, skips aloud"
)]

mod client;
mod clients;
mod clojure;
mod connections;
mod evaluations;
mod fleet;
mod handshakes;
mod hostile;
mod leads;
mod members;
mod published;
