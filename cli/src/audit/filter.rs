//! Which entries a list shows.

use std::time::Duration;

use clap::Args;
use prepl_audit::Moment;
use prepl_core::RunId;

use super::entry::Entry;
use crate::quantity;

/// Flags that leave entries out.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which entries")]
pub struct FilterArgs {
    /// Only what began in the last so long: 30m, 12h, 7d
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    pub since: Option<Duration>,
    /// Only what this user did
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only this run
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// Only what was denied
    #[arg(long)]
    denied: bool,
}

/// What entries are compared with.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Nothing that began before.
    pub since: Option<Moment>,
    user: Option<String>,
    run: Option<RunId>,
    denied: bool,
}

impl FilterArgs {
    /// The filter at this moment.
    pub fn at(&self, now: Moment) -> Filter {
        let (user, run, denied) = (self.user.clone(), self.run, self.denied);
        Filter { since: self.since.map(|since| before(now, since)), user, run, denied }
    }
}

/// The moment so long before another.
pub fn before(now: Moment, time: Duration) -> Moment {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Moment::from_millis(now.as_millis().saturating_sub(millis))
}

impl Filter {
    /// Whether an entry is shown.
    pub fn passes(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| since <= entry.time)
            && self.user.as_ref().is_none_or(|user| *user == entry.who.username)
            && self.run.is_none_or(|run| entry.run() == Some(run))
            && (!self.denied || entry.is_denied())
    }
}
