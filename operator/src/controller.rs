//! The controller: injection, enrolment, access requests.
//!
//! Reading order: [`labels`] the words of pods · [`inject`] which pods get a sidecar.

pub mod inject;
pub mod labels;

/// Arguments of `controller`.
#[derive(Debug, clap::Args)]
pub struct Args {}
