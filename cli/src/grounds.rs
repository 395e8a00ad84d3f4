//! Why somebody asks: what a policy may demand to be told.

use clap::Args;
use prepl_gateway::Grounds;

use crate::problem::Problem;

/// Flags that tell why.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Why")]
pub struct GroundsArgs {
    /// Why you ask, in one line; a policy may demand it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Ticket that it belongs to; a policy may demand it
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
}

impl GroundsArgs {
    /// The reason and the ticket, checked.
    pub fn grounds(&self) -> Result<Grounds, Problem> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Grounds::new(&text(&self.reason), &text(&self.ticket)).map_err(Problem::usage)
    }
}
