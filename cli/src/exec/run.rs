//! One run, whatever command asked for it.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use prepl_core::{ExitCode, Expression, Origin, Query, RequestId, SessionName};

use super::ShowArgs;
use super::start::StartArgs;
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::render::Results;
use crate::request::ask::Patience;

/// Flags of every command that runs an expression.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// How runs start.
    #[command(flatten)]
    pub start: StartArgs,
    /// What a single one can be besides.
    #[command(flatten)]
    pub once: OnceArgs,
}

/// Flags that only a single run can have.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to evaluate")]
pub struct OnceArgs {
    /// Run only where something keeps it from writing, as docs/read-only.md says; refused elsewhere
    #[arg(long)]
    pub read_only: bool,
    /// Ask for the answer of an earlier request, and run nothing, on no replica
    #[arg(long, value_name = "ID")]
    request_id: Option<RequestId>,
    /// Run nothing: show who would be asked, within which limits, and what each policy says
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "request_id")]
    dry_run: Option<DryRun>,
    /// Do not wait until others approved it: print the name of the request, and exit with 11
    #[arg(
        long = "async",
        help_heading = "Where others have to approve it",
        conflicts_with_all = ["dry_run", "break_glass"]
    )]
    comes_back: bool,
}

/// What is shown in place of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    /// The plan and the verdicts on it
    Plan,
}

/// What is asked, and of whom.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whom.
    pub query: Query,
    /// The text.
    pub expression: Expression,
    /// Where it stands.
    pub origin: Origin,
    /// REPL state that is kept under this name.
    pub session: Option<SessionName>,
    /// Namespace or module to evaluate in.
    pub namespace: Option<Arc<str>>,
    /// Only where something keeps it from writing.
    pub read_only: bool,
}

impl RunArgs {
    /// Runs it and lets its results be shown, or shows the plan where that alone is wanted.
    ///
    /// The code is that of who shows, else of what kept it from running.
    pub async fn done(
        &self,
        asked: Asked,
        show: &ShowArgs,
        global: &Global,
        console: &mut Console,
        shown: impl FnOnce(&Results, &mut Console) -> ExitCode,
    ) -> Result<ExitCode, Problem> {
        let grounds = self.start.grounds()?;
        let plan = self.start.plan(&asked, self.once.request_id)?;
        let opened = self.start.open(&asked.query, 1, show, global, console).await?;
        if self.once.dry_run == Some(DryRun::Plan) {
            return opened.judge(&[plan], &grounds, show, console).await;
        }
        let patience = self.once.patience(show);
        let results = opened.start(plan, grounds, patience, show, global, console).await;
        let code = results
            .map(|results| results.map_or(ExitCode::Waiting, |results| shown(&results, console)));
        let closed = opened.close(show, console).await;
        let code = code?;
        closed.map(|()| code)
    }
}

impl OnceArgs {
    fn patience(&self, show: &ShowArgs) -> Patience {
        match self.comes_back {
            true => Patience::ComesBack,
            false => Patience::Waits { drawn: show.draws_progress() },
        }
    }
}
