//! The controller: injection, enrolment, access requests.

/// Arguments of `controller`.
#[derive(Debug, clap::Args)]
pub struct Args {}
