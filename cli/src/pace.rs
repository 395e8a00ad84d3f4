//! How wide and how patient: the same flags for every command that reaches replicas.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use prepl_core::Patience;

use crate::quantity;

/// Flags of pace.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "How fast")]
pub struct PaceArgs {
    /// Replicas at work at the same time
    #[arg(long, default_value = "64", value_name = "N")]
    fanout: NonZeroUsize,
    /// Longest wait for a connection to one replica
    #[arg(long, default_value = "3s", value_name = "TIME", value_parser = quantity::duration)]
    connect_timeout: Duration,
}

impl PaceArgs {
    /// Most replicas at work at the same time.
    pub fn width(&self) -> NonZeroUsize {
        self.fanout
    }

    /// How long to wait, with the deadline of the whole run.
    pub fn patience(&self, deadline: Option<Duration>) -> Patience {
        Patience { connect: self.connect_timeout, deadline }
    }
}
