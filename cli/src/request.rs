//! `prepl request`: runs that others have to approve, and uses of break-glass that they look at.
//!
//! Reading order: `stand` where a request stands · `list` and `show` the screens,
//! `expression` what is run as they show it, `now` what changed since it was asked for ·
//! `decide` what somebody says to it · [`ask`] how a run comes to wait for others, `kept` what
//! is kept of it meanwhile, `run` how it goes on.

pub mod ask;
mod decide;
mod expression;
mod kept;
mod list;
mod now;
mod run;
mod show;
mod stand;

use clap::{Args, Subcommand, ValueEnum};
use prepl_core::ExitCode;
use prepl_crd::Decision;

pub use run::{Starting, start};

use crate::cluster::context::Cluster;
use crate::cluster::requests;
use crate::command::Global;
use crate::console::Console;
use crate::exec::ShowArgs;
use crate::problem::Problem;
use crate::reach;
use decide::DecideArgs;

/// Approve, deny and review what others ask for; run what was approved
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl request list -A                                who asks for what
  prepl request show prepl-x7k2p -n shop               the expression, the replicas, who said what
  prepl request approve prepl-x7k2p -n shop            shows it, and asks
  prepl request deny prepl-x7k2p -n shop --comment 'not on Fridays'
  prepl request run prepl-x7k2p -n shop                run what was approved, once
  prepl request review prepl-b2m4q -n shop             I looked at this use of break-glass

Exit codes: 0 done, 1 nobody can be asked, 2 usage, 3 no such request, 4 denied or cannot count;
run has those of exec")]
pub struct RequestArgs {
    #[command(subcommand)]
    deed: Deed,
    /// Namespace of the request; without it, that of the context
    #[arg(short, long, global = true, value_name = "NAME")]
    namespace: Option<String>,
}

#[derive(Subcommand, Clone, Debug)]
enum Deed {
    /// List what waits for others, or was done without them
    List {
        /// In all namespaces
        #[arg(short = 'A', long)]
        all_namespaces: bool,
        /// Form of the list
        #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
        output: RequestFormat,
    },
    /// Show one: who and why, the whole expression, every replica, and what was said to it
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Form of it
        #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
        output: RequestFormat,
    },
    /// Approve somebody else's run
    Approve(DecideArgs),
    /// Deny somebody's run, or end his break-glass; one is enough, and it is for good
    Deny(DecideArgs),
    /// Say that you looked at somebody else's use of break-glass, after it had ended
    Review(DecideArgs),
    /// Run what was approved: once, whatever is repeated
    ///
    /// Only on the machine that asked for it: its key is there.
    Run {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        show: ShowArgs,
    },
}

/// How requests are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RequestFormat {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
}

/// Does it; the exit code of `run` tells how the replicas answered.
pub fn run(args: &RequestArgs, global: &Global) -> Result<u8, Problem> {
    if global.fleet().is_some() {
        return Err(Problem::usage("a fleet's folder has no access requests and no approvals")
            .hint("they are a cluster's: leave out --fleet and PREPL_FLEET"));
    }
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let done = runtime.block_on(done(args, global, &mut console));
    runtime.shutdown_background();
    let code = done?;
    console.written()?;
    Ok(code.number())
}

async fn done(
    args: &RequestArgs,
    global: &Global,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let cluster = Cluster::open(&global.cluster, args.namespace.as_deref()).await?;
    let decided = match &args.deed {
        Deed::List { all_namespaces, output } => {
            let seen = requests::all(&cluster, *all_namespaces).await?;
            console.answer(&list::rendered(*output, &seen, *all_namespaces, console.out_colour));
            return Ok(ExitCode::Ok);
        }
        Deed::Show { name, output } => {
            let seen = requests::one(&cluster, name).await?;
            let now = now::look(global, &cluster, &seen.request).await;
            console.answer(&show::rendered(*output, &seen, &now, console.out_colour));
            return Ok(ExitCode::Ok);
        }
        Deed::Run { name, show } => {
            return run::run(name, show, global, &cluster, console).await;
        }
        Deed::Approve(args) => (args, Decision::Approve),
        Deed::Deny(args) => (args, Decision::Deny),
        Deed::Review(args) => (args, Decision::Review),
    };
    decide::decide(decided.0, decided.1, global, &cluster, console).await
}
