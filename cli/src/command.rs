//! The words of the command line, and which file each command lives in.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::cluster::ClusterArgs;
use crate::console::{ColorChoice, Console};
use crate::problem::Problem;
use crate::{
    audit, auth, completion, demo, doctor, exec, fleet, load, port_forward, query, repl, request,
    serve, targets,
};

/// The production REPL for fleets: ask every replica of a service in its own language
#[derive(Parser, Clone, Debug)]
#[command(
    name = "prepl",
    version,
    after_help = "Examples:
  prepl demo                                       a fleet to play with
  prepl targets -l app=api                         who would be asked
  prepl exec -l app=api '(count-sessions)'         ask them
  prepl load src deploy/api                        files, once all have read them
  prepl query orders 'select * from orders'        ask their data sources, by a template
  prepl repl deploy/api                            a prompt for all of them
  prepl port-forward pod/api-1                     an editor's REPL in one of them

Answers go to stdout, everything else to stderr."
)]
struct Prepl {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Folder of a fleet; without it PREPL_FLEET names one, else the kubeconfig's cluster is asked
    #[arg(long, global = true, value_name = "PATH")]
    pub fleet: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,
    /// Which cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

impl Global {
    /// The folder of an existing fleet: the flag's, else that of a PREPL_FLEET that is not empty,
    /// unless a flag chooses a cluster.
    pub fn fleet(&self) -> Option<PathBuf> {
        let named = || {
            let name = std::env::var_os("PREPL_FLEET").filter(|path| !path.is_empty());
            name.filter(|_| !self.cluster.are_given())
        };
        self.fleet.clone().or_else(|| named().map(PathBuf::from))
    }
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    Exec(exec::ExecArgs),
    Query(query::QueryArgs),
    Load(load::LoadArgs),
    Repl(repl::ReplArgs),
    Serve(serve::ServeArgs),
    Targets(targets::TargetsArgs),
    PortForward(port_forward::PortForwardArgs),
    Demo(demo::DemoArgs),
    Fleet(fleet::FleetArgs),
    Auth(auth::AuthArgs),
    Request(request::RequestArgs),
    Audit(audit::AuditArgs),
    Doctor(doctor::DoctorArgs),
    Completion(completion::CompletionArgs),
    /// Print the version
    Version,
}

/// Runs one command line; the first argument is the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let done = match parse(args) {
        Ok(prepl) => dispatch(&prepl),
        Err(error) => unparsed(error),
    };
    done.unwrap_or_else(|problem| {
        Console::detect(ColorChoice::Never).tell(&format!("{problem}\n"));
        problem.code.number()
    })
}

/// As a plug-in of kubectl the program is called `kubectl-prepl`, and its user writes a space.
fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Prepl, clap::Error> {
    let mut args = args.into_iter().peekable();
    let program = args.peek().map(PathBuf::from).unwrap_or_default();
    let is_plugin = program.file_name().is_some_and(|name| name == "kubectl-prepl");
    let command = Prepl::command();
    let command = if is_plugin { command.bin_name("kubectl prepl") } else { command };
    Prepl::from_arg_matches(&command.try_get_matches_from(args)?)
}

fn dispatch(prepl: &Prepl) -> Result<u8, Problem> {
    let global = &prepl.global;
    match &prepl.command {
        Command::Exec(args) => exec::run(args, global),
        Command::Query(args) => query::run(args, global),
        Command::Load(args) => load::run(args, global),
        Command::Repl(args) => repl::run(args, global),
        Command::Serve(args) => serve::run(args, global),
        Command::Targets(args) => targets::run(args, global),
        Command::PortForward(args) => port_forward::run(args, global),
        Command::Demo(args) => demo::run(args),
        Command::Fleet(args) => fleet::run(args, global),
        Command::Auth(args) => auth::run(args, global),
        Command::Request(args) => request::run(args, global),
        Command::Audit(args) => audit::run(args, global),
        Command::Doctor(args) => doctor::run(args, global),
        Command::Completion(args) => print(global, &completion::script(args, Prepl::command())),
        Command::Version => print(global, &format!("prepl {}\n", env!("CARGO_PKG_VERSION"))),
    }
}

/// Help and version were asked for and are answers; all else is an error.
fn unparsed(error: clap::Error) -> Result<u8, Problem> {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            Ok(0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Err(Problem::usage("no command given").hint("--help lists the commands"))
        }
        _ => Err(Problem::from(error)),
    }
}

fn print(global: &Global, text: &str) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    console.answer(text);
    console.written()?;
    Ok(0)
}
