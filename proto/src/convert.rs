//! Core ⇄ wire, one file a message family. From the wire everything is checked.

pub mod claim;
mod describe;
mod evaluation;
mod event;
mod input;
mod outcome;
mod replica;
mod report;
pub mod text;
pub mod tunnel;

pub use event::batch;

/// A message that a peer must not send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer sent a message that prepl does not understand: {0}; are both of one version?")]
pub struct BadMessage(pub &'static str);
