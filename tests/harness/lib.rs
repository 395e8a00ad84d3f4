//! The in-process world: real sidecars and a real gateway over real mutual TLS on loopback.
//!
//! Reading order: [`world`] a fleet of sidecars in this process · [`asking`] runs over it ·
//! [`jvm`] real Clojure · [`hostile`] REPLs that misbehave on purpose · [`rogue`] sidecars that
//! do · [`proxy`] a network that does.

#![expect(clippy::expect_used, reason = "a world that cannot be made is a failed test")]

pub mod asking;
pub mod hostile;
// The sidecar's own tests start the same service.
#[expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, skips aloud"
)]
#[path = "../../sidecar/tests/support/jvm.rs"]
pub mod jvm;
pub mod proxy;
pub mod rogue;
pub mod world;

pub use asking::{Asked, Running, in_time, permitted, plan};
pub use world::World;
