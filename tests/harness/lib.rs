//! The in-process world: real sidecars and a real gateway over real mutual TLS on loopback.
//!
//! Reading order: [`world`] a fleet of sidecars in this process · [`asking`] runs over it ·
//! [`hostile`] REPLs that misbehave on purpose · [`proxy`] a network that does.

#![expect(clippy::expect_used, reason = "a world that cannot be made is a failed test")]

pub mod asking;
pub mod hostile;
pub mod proxy;
pub mod world;

pub use asking::{Asked, plan};
pub use world::World;
