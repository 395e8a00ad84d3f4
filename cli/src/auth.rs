//! `prepl auth`: who the cluster takes the user for, and what it lets him do.

use clap::{Args, Subcommand, ValueEnum};
use prepl_core::ExitCode;
use prepl_core::selection::Pattern;
use prepl_crd::{Mode, UserInfo, right};

use crate::cluster::context::Cluster;
use crate::cluster::rights;
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::reach;
use crate::render::safe::{self, Layout};

/// Who you are to a cluster, and what you may do there
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl auth whoami
  prepl auth can-i
  prepl auth can-i inspect -n shop
  prepl auth can-i eval deploy/api -n shop

Exit codes: 0 yes, 1 the cluster cannot be asked, 4 no")]
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

/// Asks the API server and shows what it says.
pub fn run(args: &AuthArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let (text, code) = runtime.block_on(async {
        let cluster = Cluster::open(&global.cluster, args.namespace.as_deref()).await?;
        match &args.question {
            Question::Whoami => Ok((shown(&rights::who(&cluster).await?), ExitCode::Ok)),
            Question::CanI { right, workload } => {
                can_i(&cluster, right.mode(), workload.as_ref(), &console).await
            }
        }
    })?;
    console.answer(&text);
    console.written()?;
    Ok(code.number())
}

async fn can_i(
    cluster: &Cluster,
    mode: Mode,
    workload: Option<&Pattern>,
    console: &Console,
) -> Result<(String, ExitCode), Problem> {
    let name = workload.map(name).transpose()?;
    if rights::may(cluster, mode, name).await? {
        return Ok(("yes\n".to_owned(), ExitCode::Ok));
    }
    let rule = right::missing(mode, &cluster.namespace, None);
    console.tell(&format!("hint: {}\n", safe::text(&rule, Layout::Line)));
    Ok(("no\n".to_owned(), ExitCode::Denied))
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
