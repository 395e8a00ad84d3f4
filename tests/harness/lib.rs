//! The in-process world: real sidecars and a real gateway over real mutual TLS on loopback.
//!
//! Reading order: [`world`] a fleet of sidecars in this process · [`asking`] runs over it ·
//! [`jvm`] real Clojure · [`hostile`] REPLs that misbehave on purpose · [`rogue`] sidecars that
//! do · [`proxy`] a network that does · [`gateway`] a cluster's gateway without Kubernetes ·
//! [`cluster`] some of them, and the people who ask them · [`fickle`] one that tells nothing · [`app`] evaluations that wait for the
//! test · [`attached`] tunnels, and the REPLs behind them.

#![expect(clippy::expect_used, reason = "a world that cannot be made is a failed test")]

pub mod app;
pub mod asking;
pub mod attached;
pub mod cluster;
pub mod fickle;
pub mod gateway;
pub mod hostile;
// The sidecar's own tests start the same service.
#[expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, skips aloud"
)]
#[path = "../../sidecar/tests/support/jvm.rs"]
pub mod jvm;
mod promises;
pub mod proxy;
pub mod rogue;
pub mod signed;
pub mod world;

pub use app::App;
pub use asking::{Asked, Running, in_time, permitted, plan};
pub use cluster::{Cluster, access};
pub use signed::{shown, shown_tunnel};
pub use world::World;
