//! `prepl fleet`: local fleets, their replicas and the certificates of both.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use prepl_core::Replica;
use prepl_gateway::local::{Fleet, FleetError, NewReplica};
use prepl_identity::Role;

use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::render::columns::{Columns, Row};
use crate::render::page::Ink;
use crate::render::safe::{self, Layout};
use crate::{ids, reach};

/// Make a fleet of machines without Kubernetes, and say who belongs to it
#[derive(Args, Clone, Debug)]
#[command(
    arg_required_else_help = false,
    after_help = "Examples:
  prepl fleet init shop
  export PREPL_FLEET=shop
  prepl fleet add api-1 --address 10.0.0.7:7070 --workload deploy/api -l app=api --zone a
  prepl fleet issue mira --role evaluator --out shop-for-mira"
)]
pub struct FleetArgs {
    #[command(subcommand)]
    command: FleetCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum FleetCommand {
    /// Make a new fleet in a folder of its own
    Init(InitArgs),
    /// Add a replica and write the bundle for its sidecar
    Add(AddArgs),
    /// Remove a replica
    Remove(RemoveArgs),
    /// List the replicas
    List,
    /// Write a folder with which another user can ask this fleet
    Issue(IssueArgs),
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl fleet init shop                         in the folder shop
  prepl fleet init shop --fleet /srv/shop       elsewhere")]
struct InitArgs {
    /// Name of the fleet; its folder too, unless --fleet names one (PREPL_FLEET does not)
    name: String,
    /// Name of its administrator
    #[arg(long, env = "USER", default_value = "admin", hide_env = true, value_name = "NAME")]
    user: String,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl fleet add api-1 --address 10.0.0.7:7070 -l app=api
  prepl fleet add api-2 --address 10.0.0.8:7070 --workload deploy/api --version 2.41.0 --zone b")]
struct AddArgs {
    /// Name of the replica, unique in its namespace
    name: String,
    /// HOST:PORT of its sidecar
    #[arg(long, value_name = "HOST:PORT")]
    address: String,
    /// Namespace
    #[arg(short, long, default_value = "default", value_name = "NAME")]
    namespace: String,
    /// What it belongs to
    #[arg(long, default_value = "", value_name = "TYPE/NAME", hide_default_value = true)]
    workload: String,
    /// A label; repeat for several
    #[arg(short = 'l', long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Machine it runs on
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    node: String,
    /// Zone of the machine
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    zone: String,
    /// Version of the service
    #[arg(long, default_value = "", value_name = "VERSION", hide_default_value = true)]
    version: String,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl fleet remove api-1
  prepl fleet remove shop/api-1")]
struct RemoveArgs {
    /// NAME or NAMESPACE/NAME
    name: String,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl fleet issue mira --role evaluator --out shop-for-mira
  prepl fleet issue monitor --role viewer --out /srv/monitor/shop")]
struct IssueArgs {
    /// Name of the user
    user: String,
    /// What they may do at most
    #[arg(long, value_parser = role())]
    role: Role,
    /// Folder to write; give it to the user
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// The words of [`Role`], told to the help and to shells that complete them.
fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["viewer", "evaluator", "admin"]).try_map(|word| word.parse::<Role>())
}

/// Runs one of the commands on fleets.
pub fn run(args: &FleetArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let path = global.fleet();
    let path = path.as_deref();
    match &args.command {
        FleetCommand::Init(args) => init(args, global.fleet.as_deref(), &mut console)?,
        FleetCommand::Add(args) => add(args, path, &mut console)?,
        FleetCommand::Remove(args) => {
            reach::open(path)?.remove(&args.name).map_err(problem)?;
            console.tell(&told(&format!("removed {}", args.name)));
        }
        FleetCommand::List => {
            console.answer(&list(reach::open(path)?.replicas(), console.out_colour));
        }
        FleetCommand::Issue(args) => issue(args, path, &mut console)?,
    }
    console.written()?;
    Ok(0)
}

fn init(args: &InitArgs, path: Option<&Path>, console: &mut Console) -> Result<(), Problem> {
    let folder = path.unwrap_or(Path::new(&args.name));
    let fleet = Fleet::init(folder, &args.name, &args.user).map_err(problem)?;
    console.answer(&told(&fleet.folder().display().to_string()));
    console.tell("whoever holds this folder is the administrator of the fleet\n");
    let next = format!(
        "next: prepl fleet add NAME --address HOST:PORT --fleet {}",
        fleet.folder().display()
    );
    console.tell(&told(&next));
    Ok(())
}

fn add(args: &AddArgs, path: Option<&Path>, console: &mut Console) -> Result<(), Problem> {
    let replica = NewReplica {
        name: args.name.clone(),
        namespace: args.namespace.clone(),
        workload: args.workload.clone(),
        labels: args.labels.iter().cloned().collect(),
        node: args.node.clone(),
        zone: args.zone.clone(),
        version: args.version.clone(),
        address: args.address.clone(),
    };
    let uid = ids::request()?.to_string();
    let bundle = reach::open(path)?.add(&replica, &uid).map_err(problem)?;
    console.answer(&told(&bundle.display().to_string()));
    let next = format!(
        "next: move the bundle to its machine, then there: \
         prepl-sidecar serve --bundle FILE --listen {} --repl nrepl://127.0.0.1:7888",
        args.address
    );
    console.tell(&told(&next));
    Ok(())
}

fn issue(args: &IssueArgs, path: Option<&Path>, console: &mut Console) -> Result<(), Problem> {
    reach::open(path)?.issue(&args.user, args.role, &args.out).map_err(problem)?;
    console.answer(&told(&args.out.display().to_string()));
    let next = format!("give that folder to {} alone: it holds a private key", args.user);
    console.tell(&told(&next));
    Ok(())
}

fn list(replicas: &[Replica], colour: bool) -> String {
    let heads = ["NAME", "NAMESPACE", "WORKLOAD", "NODE", "ZONE", "VERSION", "ADDRESS", "LABELS"];
    let mut table = Columns::new(heads.map(str::to_owned).to_vec());
    for replica in replicas {
        let labels = replica.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let cells = [
            replica.id.name.to_string(),
            replica.id.namespace.to_string(),
            replica.workload.to_string(),
            replica.node.to_string(),
            replica.zone.to_string(),
            replica.version.to_string(),
            replica.address.to_string(),
            labels.collect::<Vec<_>>().join(","),
        ];
        let cells = cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell });
        table.push(Row { ink: Ink::Plain, cells: cells.to_vec() });
    }
    table.render(colour)
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let pair = pair.ok_or_else(|| "write KEY=VALUE, for example app=api".to_owned())?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

fn told(line: &str) -> String {
    safe::text(line, Layout::Line) + "\n"
}

fn problem(error: FleetError) -> Problem {
    Problem::of(&error)
}
