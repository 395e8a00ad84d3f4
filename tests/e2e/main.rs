//! The whole way over real mutual TLS: gateway, sidecars, runtimes.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod answers;
mod attach;
mod clojure;
mod crowd;
mod gateway;
mod hostile;
mod input;
mod load;
mod network;
mod policies;
mod read_only;
mod recorded;
mod rights;
mod rogue;
mod runtimes;
mod sessions;
