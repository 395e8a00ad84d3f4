//! `prepl exec`: one expression over a selection, once.

use std::sync::Arc;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use prepl_core::{ExitCode, Limits, RequestId, Selection, SessionName};
use prepl_crd::Mode;
use prepl_fold::Comparison;
use prepl_gateway::{Grounds, Plan};

use crate::command::Global;
use crate::console::Console;
use crate::drive::Follow;
use crate::grounds::GroundsArgs;
use crate::live::Live;
use crate::pace::PaceArgs;
use crate::problem::Problem;
use crate::reach::{self, Purpose, Reach};
use crate::render::closing::{self, Reader};
use crate::render::{self, Format, Results, View, judged};
use crate::request::ask::{self, Patience};
use crate::request::{self, Starting};
use crate::select::{self, SelectArgs};
use crate::source::SourceArgs;
use crate::{ids, quantity};

/// Evaluate an expression on every replica you name, and fold the answers
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "prepl exec [TARGET] [FLAGS] EXPR",
    after_help = "Examples:
  prepl exec -l app=api '(count-sessions)'
  prepl exec -n shop deploy/api --expect-same '(feature? :new-cart)'
  prepl exec 'api-.*' --per zone=1 -f check.clj -o json
  echo '(+ 1 2)' | prepl exec -A -
  prepl exec deploy/api --dry-run plan '(System/gc)'
  prepl exec deploy/api --async --ticket INC-7 '(flush!)'      others approve it meanwhile

Exit codes: 0 all ok, 1 prepl failed, 2 usage, 3 nothing matched, 4 denied, 5 all raised,
6 some raised, 7 some unreachable or refused, 8 unknown on at least one, 9 answers differ
(--expect-same), 11 waits for others (--async), 124 deadline, 130 interrupted"
)]
pub struct ExecArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    evaluate: EvaluateArgs,
    #[command(flatten)]
    grounds: GroundsArgs,
    #[command(flatten)]
    others: OthersArgs,
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where others have to approve it")]
struct OthersArgs {
    /// Do not wait until others approved it: print the name of the request, and exit with 11
    #[arg(long = "async", conflicts_with = "dry_run")]
    comes_back: bool,
    /// In an emergency, run without approvals; it is recorded, told to everybody, and looked at
    #[arg(long, requires_all = ["reason", "ticket"], conflicts_with_all = ["comes_back", "dry_run"])]
    break_glass: bool,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to evaluate")]
struct EvaluateArgs {
    /// Connect to all first, then start all at one moment
    #[arg(long)]
    barrier: bool,
    /// Longest time of the evaluation on one replica
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = quantity::duration)]
    timeout: Duration,
    /// Longest time of the whole run
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    deadline: Option<Duration>,
    /// Run only where something keeps it from writing, as docs/read-only.md says; refused elsewhere
    #[arg(long)]
    read_only: bool,
    /// Keep REPL state on each replica under this name
    #[arg(long, value_name = "NAME")]
    session: Option<SessionName>,
    /// Namespace or module to evaluate in
    #[arg(long, value_name = "NAME")]
    ns: Option<String>,
    /// Most bytes of one value, and of the printed output, per replica
    #[arg(long, default_value = "64Ki", value_name = "SIZE", value_parser = quantity::bytes)]
    limit_bytes: u32,
    /// Ask for the answer of an earlier request, and run nothing, on no replica
    #[arg(long, value_name = "ID")]
    request_id: Option<RequestId>,
    /// Run nothing: show who would be asked, within which limits, and what each policy says
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "request_id")]
    dry_run: Option<DryRun>,
}

/// What is shown in place of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    /// The plan and the verdicts on it
    Plan,
}

/// How answers are shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to show the answers")]
pub struct ShowArgs {
    /// Form of the answers
    #[arg(short, long, value_enum, default_value = "fold", value_name = "FORM")]
    output: Format,
    /// When answers are equal
    #[arg(long, default_value = "canonical", value_name = "HOW", value_parser = comparison())]
    compare: Comparison,
    /// Exit with 9 when answers differ
    #[arg(long)]
    expect_same: bool,
    /// Groups shown in full; the rest is summed up
    #[arg(long, default_value_t = 10, value_name = "N")]
    max_groups: usize,
    /// Draw no progress
    #[arg(long)]
    no_progress: bool,
    /// Write nothing but answers and errors
    #[arg(short, long)]
    quiet: bool,
    /// Exit with 0 however the replicas answered
    #[arg(long)]
    exit_zero: bool,
}

/// The words of [`Comparison`], told to the help and to shells that complete them.
fn comparison() -> impl TypedValueParser<Value = Comparison> {
    let words = [
        PossibleValue::new("exact").help("The same text"),
        PossibleValue::new("canonical").help("The same value, however it is printed"),
        PossibleValue::new("shape").help("The same keys and types"),
    ];
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Comparison>())
}

/// Runs the expression; the exit code tells how the replicas answered.
pub fn run(args: &ExecArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let done = runtime.block_on(done(args, global, &mut console));
    // What still waits for a replica must not hold up the user.
    runtime.shutdown_background();
    if let Err(problem) = &done {
        console.answer(&render::problem(args.show.output, problem));
    }
    let code = done?;
    console.written()?;
    let excused = args.show.exit_zero && code != ExitCode::Interrupted;
    Ok(if excused { ExitCode::Ok.number() } else { code.number() })
}

async fn done(
    args: &ExecArgs,
    global: &Global,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let grounds = args.grounds.grounds()?;
    let (reach, selection, plan) = prepare(args, global, console).await?;
    match args.evaluate.dry_run {
        Some(DryRun::Plan) => judge(args, &reach, &selection, &plan, grounds, console).await,
        None => {
            let starting = Starting { selection, plan, grounds };
            let code = start(args, global, &reach, starting, console).await;
            if !args.show.quiet {
                console.tell(&reach.warnings());
            }
            let code = code?;
            reach.close().await?;
            Ok(code)
        }
    }
}

/// Runs the plan; where nothing but approvals is against it, asks others for them.
async fn start(
    args: &ExecArgs,
    global: &Global,
    reach: &Reach,
    starting: Starting,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let denied = match follow(&args.show, reach, starting.clone(), console).await {
        Ok(results) => return Ok(show(&args.show, &results, console)),
        Err(problem) => problem,
    };
    let Reach::Cluster(fleet) = reach else { return Err(denied) };
    if denied.code != ExitCode::Denied || starting.plan.recall {
        return Err(denied);
    }
    let owed = ask::owed(reach, &starting).await.ok_or(denied)?;
    let patience = args.patience();
    let pending = ask::ask(global, fleet, &starting, (owed, patience)).await?;
    pending.tell(console);
    match patience {
        Patience::ComesBack => {
            pending.later(args.show.output, console);
            Ok(ExitCode::Waiting)
        }
        Patience::Waits { drawn } => {
            pending.until_approved(&starting, drawn, console).await?;
            request::start(&pending.place, &pending.reach, starting, &args.show, console).await
        }
    }
}

async fn prepare(
    args: &ExecArgs,
    global: &Global,
    console: &mut Console,
) -> Result<(Reach, Selection, Plan), Problem> {
    let (target, expression) = args.source.read()?;
    let plan = Plan {
        run: ids::run()?,
        request: args.evaluate.request_id.map_or_else(ids::request, Ok)?,
        recall: args.evaluate.request_id.is_some(),
        read_only: args.evaluate.read_only,
        expression,
        session: args.evaluate.session.clone(),
        namespace: args.evaluate.ns.as_deref().map(Arc::from),
        limits: args.evaluate.limits()?,
        patience: args.pace.patience(args.evaluate.deadline),
        width: args.pace.width(),
        barrier: args.evaluate.barrier,
    };
    let reach = args.reach(global, console).await?;
    let query = args.select.query(target);
    let selection = reach.resolve(&query)?;
    if !args.show.quiet {
        console.tell(&select::warnings(&query, reach.replicas()));
    }
    Ok((reach, selection, plan))
}

/// Shows the plan and what the policies say to it.
async fn judge(
    args: &ExecArgs,
    reach: &Reach,
    selection: &Selection,
    plan: &Plan,
    grounds: Grounds,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let request = reach::request(plan, grounds);
    let (judged, gone) = reach.judge(selection, &request).await?;
    let asked = plan.limits;
    let shown = judged::Plan { selection, gone, width: plan.width, asked, judged: &judged };
    console.answer(&shown.render(args.show.output, console.out_colour));
    Ok(shown.exit_code())
}

/// Starts a plan, and follows it to its end.
pub async fn follow(
    args: &ShowArgs,
    reach: &Reach,
    Starting { selection, plan, grounds }: Starting,
    console: &mut Console,
) -> Result<Results, Problem> {
    let names = (plan.run, plan.request);
    let live = Live::begin(args.output, &selection, names, console.out_colour);
    let with_progress = console.err_terminal && args.draws_progress();
    let mut follow = Follow::new(console, &selection, live, with_progress);
    let run = follow.start(reach.start(&selection, plan, grounds)).await?;
    let (answers, summary) = follow.to_the_end(run).await;
    let (run, request) = names;
    Ok(Results::new(selection, answers, summary, run, request, args.compare))
}

/// Shows the answers of a run; the code tells how the replicas answered.
pub fn show(args: &ShowArgs, results: &Results, console: &mut Console) -> ExitCode {
    let code = results.exit_code(args.expect_same);
    let view = View {
        colour: console.out_colour,
        on_terminal: console.out_terminal,
        max_groups: args.max_groups,
    };
    console.answer(&render::finished(args.output, results, code, view));
    if !args.quiet {
        let reader = if console.reader_left() { Reader::Left } else { Reader::There };
        console.tell(&closing::closing(results, reader, console.err_colour));
    }
    code
}

impl ShowArgs {
    fn draws_progress(&self) -> bool {
        !self.no_progress && !self.quiet
    }
}

impl ExecArgs {
    fn patience(&self) -> Patience {
        match self.others.comes_back {
            true => Patience::ComesBack,
            false => Patience::Waits { drawn: self.show.draws_progress() },
        }
    }

    /// The way to the replicas; by break-glass it is a new one, and loud.
    async fn reach(&self, global: &Global, console: &Console) -> Result<Reach, Problem> {
        let (scope, lasting) = (self.select.scope(), self.evaluate.longest());
        if !self.others.break_glass {
            return Reach::open(global, &scope, Purpose { mode: Mode::Eval, lasting }).await;
        }
        let wanted = ask::break_glass(lasting, &self.grounds.grounds()?);
        let (reach, request) = Reach::anew(global, &scope, wanted).await?;
        ask::warn(&request, console);
        Ok(reach)
    }
}

impl EvaluateArgs {
    /// The longest that a run can take where all replicas work at the same time.
    fn longest(&self) -> Duration {
        self.deadline.unwrap_or(self.timeout)
    }

    fn limits(&self) -> Result<Limits, Problem> {
        Limits::new(self.timeout, self.limit_bytes, self.limit_bytes).map_err(Problem::usage)
    }
}
