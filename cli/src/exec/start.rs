//! Runs that are started, one or several: flags, the way to the replicas, the approvals of others.

use std::time::Duration;

use clap::Args;
use prepl_core::claim::LONGEST;
use prepl_core::{ExitCode, Limits, Query, RequestId, Selection};
use prepl_crd::Mode;
use prepl_gateway::{Grounds, Plan};

use super::{Asked, ShowArgs, follow};
use crate::command::Global;
use crate::console::Console;
use crate::grounds::GroundsArgs;
use crate::pace::PaceArgs;
use crate::problem::Problem;
use crate::reach::{self, Purpose, Reach};
use crate::render::{Results, judged};
use crate::request::ask::{self, Patience};
use crate::request::{self, Starting};
use crate::select::{self, SelectArgs};
use crate::{ids, quantity};

/// Flags of every command that starts runs.
#[derive(Args, Clone, Debug)]
pub struct StartArgs {
    /// Which replicas.
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
    /// Within which bounds.
    #[command(flatten)]
    pub bounds: BoundArgs,
    #[command(flatten)]
    grounds: GroundsArgs,
    #[command(flatten)]
    others: OthersArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where others have to approve it")]
struct OthersArgs {
    /// In an emergency, run without approvals; it is recorded, told to everybody, and looked at
    #[arg(long, requires_all = ["reason", "ticket"], conflicts_with = "dry_run")]
    break_glass: bool,
}

/// Bounds of a run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to evaluate")]
pub struct BoundArgs {
    /// Connect to all first, then start all at one moment
    #[arg(long)]
    barrier: bool,
    /// Longest time of the evaluation on one replica
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = quantity::duration)]
    timeout: Duration,
    /// Longest time of the whole run
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    deadline: Option<Duration>,
    /// Most bytes of one value, and of the printed output, per replica
    #[arg(long, default_value = "64Ki", value_name = "SIZE", value_parser = quantity::bytes)]
    pub limit_bytes: u32,
}

/// The way to the replicas, and those that are asked.
pub struct Opened {
    /// The way.
    pub reach: Reach,
    /// Who is asked.
    pub selection: Selection,
}

impl StartArgs {
    /// Opens the way for so many runs, one after the other; by break-glass it is a new one, and
    /// loud.
    pub async fn open(
        &self,
        query: &Query,
        runs: u32,
        show: &ShowArgs,
        global: &Global,
        console: &mut Console,
    ) -> Result<Opened, Problem> {
        // No access lasts longer.
        let lasting = self.bounds.longest().saturating_mul(runs).min(LONGEST);
        let scope = self.select.scope();
        let reach = match self.others.break_glass {
            false => Reach::open(global, &scope, Purpose { mode: Mode::Eval, lasting }).await?,
            true => {
                let wanted = ask::break_glass(lasting, &self.grounds()?);
                let (reach, request) = Reach::anew(global, &scope, wanted).await?;
                ask::warn(&request, console);
                reach
            }
        };
        let selection = reach.resolve(query)?;
        if !show.told.quiet {
            console.tell(&select::warnings(query, reach.replicas()));
        }
        Ok(Opened { reach, selection })
    }

    /// What is said of why.
    pub fn grounds(&self) -> Result<Grounds, Problem> {
        self.grounds.grounds()
    }

    /// What is to be done; `earlier` asks for the answers of a request that was made before.
    pub fn plan(&self, asked: &Asked, earlier: Option<RequestId>) -> Result<Plan, Problem> {
        Ok(Plan {
            run: ids::run()?,
            request: earlier.map_or_else(ids::request, Ok)?,
            recall: earlier.is_some(),
            interactive: false,
            read_only: asked.read_only,
            expression: asked.expression.clone(),
            origin: asked.origin.clone(),
            session: asked.session.clone(),
            namespace: asked.namespace.clone(),
            limits: self.bounds.limits()?,
            patience: self.pace.patience(self.bounds.deadline),
            width: self.pace.width(),
            barrier: self.bounds.barrier,
        })
    }
}

impl BoundArgs {
    /// The longest that a run can take where all replicas work at the same time.
    fn longest(&self) -> Duration {
        self.deadline.unwrap_or(self.timeout)
    }

    fn limits(&self) -> Result<Limits, Problem> {
        Limits::new(self.timeout, self.limit_bytes, self.limit_bytes).map_err(Problem::usage)
    }
}

impl Opened {
    /// Runs a plan; where nothing but approvals is against it, asks others for them.
    ///
    /// No results where the user comes back for them.
    pub async fn start(
        &self,
        plan: Plan,
        grounds: Grounds,
        patience: Patience,
        show: &ShowArgs,
        global: &Global,
        console: &mut Console,
    ) -> Result<Option<Results>, Problem> {
        let starting = Starting { selection: self.selection.clone(), plan, grounds };
        let denied = match follow(show, &self.reach, starting.clone(), console).await {
            Ok(results) => return Ok(Some(results)),
            Err(problem) => problem,
        };
        let Reach::Cluster(fleet) = &self.reach else { return Err(denied) };
        if denied.code != ExitCode::Denied || starting.plan.recall {
            return Err(denied);
        }
        let owed = ask::owed(&self.reach, &starting).await.ok_or(denied)?;
        let pending = ask::ask(global, fleet, &starting, (owed, patience)).await?;
        pending.tell(console);
        match patience {
            Patience::ComesBack => {
                pending.later(show.output, console);
                Ok(None)
            }
            Patience::Waits { drawn } => {
                pending.until_approved(&starting, drawn, console).await?;
                let (place, reach) = (&pending.place, &pending.reach);
                request::start(place, reach, starting, show, console).await.map(Some)
            }
        }
    }

    /// Shows plans and what the policies say, of several to the first that they are against, else
    /// to the last; nothing runs.
    pub async fn judge(
        &self,
        plans: &[Plan],
        grounds: &Grounds,
        show: &ShowArgs,
        console: &mut Console,
    ) -> Result<ExitCode, Problem> {
        let selection = &self.selection;
        let mut told = (String::new(), ExitCode::Ok);
        for plan in plans {
            let request = reach::request(plan, grounds.clone());
            let (judged, gone) = self.reach.judge(selection, &request).await?;
            let (width, asked) = (plan.width, plan.limits);
            let shown = judged::Plan { selection, gone, width, asked, judged: &judged };
            told = (shown.render(show.output, console.out_colour), shown.exit_code());
            if told.1 != ExitCode::Ok {
                break;
            }
        }
        console.answer(&told.0);
        Ok(told.1)
    }

    /// Waits until all that happened is recorded, and tells what is to be known of that.
    pub async fn close(self, show: &ShowArgs, console: &mut Console) -> Result<(), Problem> {
        if !show.told.quiet {
            console.tell(&self.reach.warnings());
        }
        self.reach.close().await
    }
}
