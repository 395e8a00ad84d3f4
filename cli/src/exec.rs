//! `prepl exec`: one expression over a selection, once.

mod run;
mod start;

use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use prepl_core::{ExitCode, Origin, SessionName};
use prepl_fold::Comparison;

pub use run::{Asked, RunArgs};
pub use start::{Opened, StartArgs};

use crate::command::Global;
use crate::console::Console;
use crate::drive::{Ended, Follow};
use crate::live::Live;
use crate::problem::Problem;
use crate::reach::{self, Reach};
use crate::render::closing::{self, Reader};
use crate::render::page::Seat;
use crate::render::{self, Format, Results, View};
use crate::request::Starting;
use crate::source::SourceArgs;

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
    run: RunArgs,
    #[command(flatten)]
    repl: ReplArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// Flags of the REPL that is evaluated in.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to evaluate")]
struct ReplArgs {
    /// Keep REPL state on each replica under this name
    #[arg(long, value_name = "NAME")]
    session: Option<SessionName>,
    /// Namespace or module to evaluate in
    #[arg(long, value_name = "NAME")]
    ns: Option<String>,
}

/// How answers are shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How to show the answers")]
pub struct ShowArgs {
    /// Form of the answers
    #[arg(short, long, value_enum, default_value = "fold", value_name = "FORM")]
    pub output: Format,
    /// When answers are equal
    #[arg(long, default_value = "canonical", value_name = "HOW", value_parser = comparison())]
    compare: Comparison,
    /// Groups shown in full; the rest is summed up
    #[arg(long, default_value_t = 10, value_name = "N")]
    max_groups: usize,
    /// What is told besides.
    #[command(flatten)]
    pub told: ToldArgs,
}

/// What is told besides the answers, and by the exit code.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "How to show the answers")]
pub struct ToldArgs {
    /// Exit with 9 when answers differ
    #[arg(long)]
    pub expect_same: bool,
    /// Draw no progress
    #[arg(long)]
    pub no_progress: bool,
    /// Write nothing but answers and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Exit with 0 however the replicas answered
    #[arg(long)]
    pub exit_zero: bool,
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
    ended(global, args.show.output, args.show.told, async |console| {
        let (target, expression) = args.source.read()?;
        let asked = Asked {
            query: args.run.start.select.query(target),
            expression,
            origin: Origin::Typed,
            session: args.repl.session.clone(),
            namespace: args.repl.ns.as_deref().map(Arc::from),
            read_only: args.run.once.read_only,
        };
        let show = |results: &Results, console: &mut Console| show(&args.show, results, console);
        args.run.done(asked, &args.show, global, console, show).await
    })
}

/// Does the work of a command that runs something; its end is an exit code.
pub fn ended(
    global: &Global,
    output: Format,
    told: ToldArgs,
    work: impl AsyncFnOnce(&mut Console) -> Result<ExitCode, Problem>,
) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let done = runtime.block_on(work(&mut console));
    // What still waits for a replica must not hold up the user.
    runtime.shutdown_background();
    if let Err(problem) = &done {
        console.answer(&render::problem(output, problem));
    }
    let code = done?;
    console.written()?;
    let excused = told.exit_zero && code != ExitCode::Interrupted;
    Ok(if excused { ExitCode::Ok.number() } else { code.number() })
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
    let Ended { answers, summary, .. } = follow.to_the_end(run).await;
    let (run, request) = names;
    Ok(Results::new(selection, answers, summary, run, request, args.compare))
}

/// Shows the answers of a run, and closes it; the code tells how the replicas answered.
pub fn show(args: &ShowArgs, results: &Results, console: &mut Console) -> ExitCode {
    let code = show_answers(args, results, console);
    if !args.told.quiet {
        let reader = if console.reader_left() { Reader::Left } else { Reader::There };
        console.tell(&closing::closing(results, reader, console.err_colour));
    }
    code
}

/// Shows the answers of a run; the code tells how the replicas answered.
pub fn show_answers(args: &ShowArgs, results: &Results, console: &mut Console) -> ExitCode {
    let code = results.exit_code(args.told.expect_same);
    let view = View {
        colour: console.out_colour,
        on_terminal: console.out_terminal,
        max_groups: args.max_groups,
        seat: Seat::Shell,
    };
    console.answer(&render::finished(args.output, results, code, view));
    code
}

impl ShowArgs {
    /// Shows nothing until the end, which the caller shows himself.
    pub fn at_the_end(output: Format, told: ToldArgs) -> ShowArgs {
        ShowArgs { output, compare: Comparison::Canonical, max_groups: usize::MAX, told }
    }

    /// The same in another form.
    pub fn in_form(&self, output: Format) -> ShowArgs {
        ShowArgs { output, ..self.clone() }
    }

    /// Whether progress may be drawn.
    pub fn draws_progress(&self) -> bool {
        !self.told.no_progress && !self.told.quiet
    }
}
