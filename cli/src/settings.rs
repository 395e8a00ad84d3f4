//! Flags of commands that keep a session: within which bounds, and why.

use std::time::Duration;

use clap::Args;
use prepl_core::Limits;

use crate::grounds::GroundsArgs;
use crate::pace::PaceArgs;
use crate::problem::Problem;
use crate::quantity;
use crate::talk::Settings;

/// How everything in a session is evaluated.
#[derive(Args, Clone, Debug)]
pub struct SettingsArgs {
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    evaluate: EvaluateArgs,
    #[command(flatten)]
    grounds: GroundsArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to evaluate")]
struct EvaluateArgs {
    /// Longest time of an evaluation on one replica
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = quantity::duration)]
    timeout: Duration,
    /// Evaluate only where something keeps it from writing, as docs/read-only.md says
    #[arg(long)]
    read_only: bool,
    /// Most bytes of one value, and of the printed output, per replica
    #[arg(long, default_value = "64Ki", value_name = "SIZE", value_parser = quantity::bytes)]
    limit_bytes: u32,
}

impl SettingsArgs {
    /// The settings, checked.
    pub fn settings(&self) -> Result<Settings, Problem> {
        let EvaluateArgs { timeout, read_only, limit_bytes } = self.evaluate;
        Ok(Settings {
            limits: Limits::new(timeout, limit_bytes, limit_bytes).map_err(Problem::usage)?,
            patience: self.pace.patience(None),
            width: self.pace.width(),
            read_only,
            grounds: self.grounds.grounds()?,
        })
    }
}
