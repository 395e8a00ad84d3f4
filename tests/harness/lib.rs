//! The in-process world: real sidecars and a real gateway over real mutual TLS on loopback.
//!
//! Reading order: [`world`] a fleet of sidecars in this process · [`recording`] what is
//! written down of its runs · [`asking`] runs over it ·
//! [`jvm`] real Clojure · [`hostile`] REPLs that misbehave on purpose · [`rogue`] sidecars that
//! do · [`proxy`] a network that does · [`gateway`] a cluster's gateway without Kubernetes ·
//! [`cluster`] some of them, and the people who ask them · [`fickle`] one that tells nothing · [`teller`] one that tells any audit log · [`app`] evaluations that wait for the
//! test · [`attached`] tunnels, and the REPLs behind them.
//!
//! With processes of their own: [`installation`] what they need, [`operator`] one gateway ·
//! [`database`] PostgreSQL · [`api_server`] Kubernetes · [`enroller`] a controller · [`subnet`]
//! addresses · [`diary`] an app that writes down what reached it ·
//! [`terminal`] a program in a terminal.

#![expect(clippy::expect_used, reason = "a world that cannot be made is a failed test")]

pub mod api_server;
pub mod app;
pub mod asking;
pub mod attached;
pub mod cluster;
pub mod database;
pub mod diary;
pub mod enroller;
pub mod fickle;
pub mod gateway;
pub mod hostile;
pub mod installation;
// The sidecar's own tests start the same service.
#[expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, skips aloud"
)]
#[path = "../../sidecar/tests/support/jvm.rs"]
pub mod jvm;
pub mod operator;
mod promises;
pub mod proxy;
pub mod recording;
pub mod rogue;
pub mod signed;
pub mod subnet;
pub mod teller;
pub mod terminal;
pub mod world;

pub use app::App;
pub use asking::{Asked, Running, in_time, permitted, plan};
pub use cluster::{Cluster, access};
pub use diary::Diary;
pub use installation::Installation;
pub use operator::Operator;
pub use recording::{Recording, Records, asker};
pub use signed::{shown, shown_input, shown_tunnel};
pub use terminal::{Key, Terminal};
pub use world::World;
