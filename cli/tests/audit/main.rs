//! `prepl audit` over real logs: the built binary, and folders that the audit log itself wrote.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod cluster;
mod fleet;
mod input;
mod logged;
mod told;
mod town;
mod tunnel;
mod verified;
