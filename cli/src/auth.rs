//! `prepl auth`: who the cluster takes the user for, and what it or a fleet's folder lets him do.

use clap::{Args, Subcommand, ValueEnum};
use prepl_core::selection::Pattern;
use prepl_core::{ExitCode, Limits, Query};
use prepl_crd::{Mode, UserInfo, right};
use prepl_gateway::{Grounds, Judged, Request};

use crate::cluster::access::SHORTEST;
use crate::cluster::context::Cluster;
use crate::cluster::fleet::Scope;
use crate::cluster::rights;
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::reach::{self, Purpose, Reach};
use crate::render::judged;
use crate::render::safe::{self, Layout};

/// Who you are, and what you may do
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl auth whoami
  prepl auth can-i
  prepl auth can-i inspect -n shop
  prepl auth can-i eval deploy/api -n shop       with the policies that are about it

Exit codes: 0 yes, 1 nobody can be asked, 2 usage, 3 no such workload, 4 no")]
pub struct AuthArgs {
    #[command(subcommand)]
    question: Question,
    /// Namespace to look in; without it, that of the context
    #[arg(short, long, global = true, value_name = "NAME")]
    namespace: Option<String>,
}

#[derive(Subcommand, Clone, Debug)]
enum Question {
    /// Show the user that the API server takes you for
    Whoami,
    /// Tell whether you may inspect, evaluate or attach, on all workloads or on one
    ///
    /// For one workload the policies about it are listed, rule by rule. Rules about expressions are
    /// open: `prepl exec --dry-run plan` judges those too.
    CanI {
        /// What to do
        #[arg(value_enum, default_value = "eval", value_name = "RIGHT")]
        right: Right,
        /// One workload; without it, all of the namespace
        #[arg(value_name = "TYPE/NAME")]
        workload: Option<Pattern>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Right {
    /// List and describe replicas
    Inspect,
    /// Evaluate
    Eval,
    /// Forward a port to a REPL
    Attach,
}

impl Right {
    fn mode(self) -> Mode {
        match self {
            Right::Inspect => Mode::Inspect,
            Right::Eval => Mode::Eval,
            Right::Attach => Mode::Attach,
        }
    }
}

/// Asks the API server, or the fleet's folder, and shows what it says.
pub fn run(args: &AuthArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let (text, code) = runtime.block_on(answer(args, global, &console))?;
    runtime.shutdown_background();
    console.answer(&text);
    console.written()?;
    Ok(code.number())
}

type Answer = (String, ExitCode);

async fn answer(args: &AuthArgs, global: &Global, console: &Console) -> Result<Answer, Problem> {
    let cluster = || Cluster::open(&global.cluster, args.namespace.as_deref());
    let in_folder = global.fleet().is_some();
    match &args.question {
        Question::Whoami if in_folder => Err(nobody_to_ask()),
        Question::Whoami => Ok((shown(&rights::who(&cluster().await?).await?), ExitCode::Ok)),
        Question::CanI { right, workload: None } if !in_folder => {
            role(&cluster().await?, right.mode(), None, console).await
        }
        Question::CanI { right, workload } => {
            let mode = right.mode();
            if !in_folder {
                let name = workload.as_ref().map(name).transpose()?;
                let answer = role(&cluster().await?, mode, name, console).await?;
                if answer.1 != ExitCode::Ok || mode == Mode::Inspect {
                    return Ok(answer);
                }
            }
            match policies(args, global, mode, workload.clone()).await {
                Err(denied) if denied.code == ExitCode::Denied => {
                    let why = safe::text(&denied.message, Layout::Line);
                    console.tell(&format!("hint: {why}\n"));
                    Ok(("no\n".to_owned(), ExitCode::Denied))
                }
                judged => Ok(told(&judged?, console.out_colour)),
            }
        }
    }
}

fn nobody_to_ask() -> Problem {
    Problem::usage("a fleet's folder has no API server that could tell who you are").hint(
        "your certificate there is user.pem; leave out --fleet and PREPL_FLEET to ask a cluster",
    )
}

/// What the roles say, with what is missing.
async fn role(
    cluster: &Cluster,
    mode: Mode,
    name: Option<&str>,
    console: &Console,
) -> Result<Answer, Problem> {
    if rights::may(cluster, mode, name).await? {
        return Ok(("yes\n".to_owned(), ExitCode::Ok));
    }
    let rule = right::missing(mode, &cluster.namespace, name);
    console.tell(&format!("hint: {}\n", safe::text(&rule, Layout::Line)));
    Ok(("no\n".to_owned(), ExitCode::Denied))
}

/// What the policies about a workload say; without one, about all of a fleet's folder.
async fn policies(
    args: &AuthArgs,
    global: &Global,
    mode: Mode,
    workload: Option<Pattern>,
) -> Result<Judged, Problem> {
    let scope = Scope::One(args.namespace.clone());
    let reach = Reach::open(global, &scope, Purpose { mode, lasting: SHORTEST }).await?;
    let namespaces = args.namespace.iter().map(|name| name.as_str().into());
    let query = Query {
        everything: workload.is_none(),
        pattern: workload,
        namespaces: namespaces.collect(),
        ..Query::default()
    };
    let selection = reach.resolve(&query)?;
    let request = Request {
        mode: mode.into(),
        limits: Limits::WIDEST,
        expression: None,
        read_only: false,
        grounds: Grounds::default(),
    };
    reach.judge(&selection, &request).await.map(|(judged, _)| judged)
}

fn told(judged: &Judged, colour: bool) -> Answer {
    let (word, code) = match judged.denied() {
        None => ("yes\n", ExitCode::Ok),
        Some(_) => ("no\n", ExitCode::Denied),
    };
    (word.to_owned() + judged::rules(judged, colour).as_str(), code)
}

/// The name that a rule's `resourceNames` would hold.
fn name(workload: &Pattern) -> Result<&str, Problem> {
    match workload {
        Pattern::Workload { name, .. } => Ok(name),
        Pattern::Name(_) => Err(Problem::usage("a right is on a workload, not on replica names")
            .hint("name one as TYPE/NAME, for example deploy/api")),
    }
}

fn shown(user: &UserInfo) -> String {
    let facts = std::iter::once(("user", user.username.as_str()))
        .chain(Some(("uid", user.uid.as_str())).filter(|(_, uid)| !uid.is_empty()))
        .chain(user.groups.iter().map(|group| ("group", group.as_str())));
    facts.map(|(what, text)| format!("{what}: {}\n", safe::text(text, Layout::Line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_a_fact_a_line_and_safely() {
        let user = UserInfo {
            username: "mira\x1b[2J".to_owned(),
            groups: vec!["dev".to_owned(), "on-call".to_owned()],
            ..UserInfo::default()
        };
        assert_eq!(shown(&user), "user: mira\\x1b[2J\ngroup: dev\ngroup: on-call\n");
    }

    #[test]
    fn a_right_is_on_a_workload() {
        assert_eq!(name(&"deploy/api".parse().unwrap()).unwrap(), "api");
        assert_eq!(name(&"api-.*".parse().unwrap()).unwrap_err().code, ExitCode::Usage);
    }
}
