//! Gateways that die, over real processes: what the client saw, what the apps ran and what the
//! audit log says must fit together, and the log must show what was changed in it (P1, P2, P3, P8).
//!
//! Reading order: [`stage`] the cluster and who asks · [`histories`] the three histories, judged ·
//! [`every_point`] one crash at a time · [`rounds`] many runs and crashes at random points ·
//! [`unheard`] a connection that breaks before the first word · [`tampered`] what a change of a log
//! is found by · [`full`] a disk that takes nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod every_point;
mod full;
mod histories;
mod rounds;
mod stage;
mod tampered;
mod unheard;
