//! `prepl targets`: who would be asked, and whether each can answer.

pub mod loaded;
pub(crate) mod table;

use clap::{Args, ValueEnum};
use prepl_core::read_only::Keeper;
use prepl_core::selection::Pattern;
use prepl_core::{ExitCode, Selection};
use prepl_crd::Mode;
use prepl_gateway::gateway::Described;
use serde_json::{Value as Json, json};

use crate::command::Global;
use crate::console::Console;
use crate::pace::PaceArgs;
use crate::problem::Problem;
use crate::reach::{self, Purpose, Reach};
use crate::render::page::{Ink, Page};
use crate::render::{self, crowd, record};
use crate::select::{self, SelectArgs};
use table::table;

/// Show which replicas a selection means, and whether each can answer
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl targets -A
  prepl targets -l app=api -n shop -o wide
  prepl targets deploy/api --per zone=1 -o name

Exit codes: 0 all ready, 3 nothing matched, 7 some unreachable")]
pub struct TargetsArgs {
    /// TYPE/NAME, or a regular expression on names
    #[arg(value_name = "TARGET")]
    target: Option<Pattern>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
    /// Form of the list
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    output: TargetsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TargetsFormat {
    /// Aligned columns: name, zone, version, runtime and state
    Table,
    /// The same with workload, node, address, uid, labels, what keeps read-only evaluations from
    /// writing, which files were loaded, and why some cannot answer
    Wide,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
    /// Names alone, of all that were selected
    Name,
}

/// Shows the selection.
pub fn run(args: &TargetsArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    match look(args, global, &console) {
        Err(problem) => {
            let machine = match args.output {
                TargetsFormat::Json => render::json::error(&problem),
                TargetsFormat::Yaml => render::yaml::error(&problem),
                _ => String::new(),
            };
            console.answer(&machine);
            Err(problem)
        }
        Ok((selection, told)) => {
            console.answer(&rendered(args.output, &selection, &told, console.out_colour));
            console.written()?;
            console.tell(&hint(args.output, &told));
            let ready = told.iter().all(Result::is_ok);
            Ok(if ready { ExitCode::Ok } else { ExitCode::Unreachable }.number())
        }
    }
}

fn look(
    args: &TargetsArgs,
    global: &Global,
    console: &Console,
) -> Result<(Selection, Vec<Described>), Problem> {
    let runtime = reach::runtime()?;
    let looked = runtime.block_on(ask(args, global, console));
    runtime.shutdown_background();
    looked
}

async fn ask(
    args: &TargetsArgs,
    global: &Global,
    console: &Console,
) -> Result<(Selection, Vec<Described>), Problem> {
    let (patience, width) = (args.pace.patience(None).connect, args.pace.width());
    let purpose = Purpose { mode: Mode::Inspect, lasting: patience };
    let reach = Reach::open(global, &args.select.scope(), purpose).await?;
    let query = args.select.query(args.target.clone());
    let selection = reach.resolve(&query)?;
    console.tell(&select::warnings(&query, reach.replicas()));
    let told = reach.describe(&selection, patience, width).await?;
    Ok((selection, told))
}

fn rendered(
    format: TargetsFormat,
    selection: &Selection,
    told: &[Described],
    colour: bool,
) -> String {
    match format {
        TargetsFormat::Table => table(selection, told, false).render(colour),
        TargetsFormat::Wide => table(selection, told, true).render(colour),
        TargetsFormat::Json => render::json::written(&document(selection, told)),
        TargetsFormat::Yaml => render::yaml::written(&document(selection, told)),
        TargetsFormat::Name => {
            let mut names = Page::new(false);
            for (index, _) in selection.indexed() {
                names.put(Ink::Plain, &crowd::name(selection, index)).end();
            }
            names.finish()
        }
    }
}

/// Where to read why some cannot answer, for the form that has no room for it.
fn hint(format: TargetsFormat, told: &[Described]) -> String {
    let silent = told.iter().filter(|one| one.is_err()).count();
    match (format, silent) {
        (TargetsFormat::Table, 1..) => {
            let all = crowd::count(told.len());
            format!("{silent} of {all} cannot answer; -o wide shows why\n")
        }
        _ => String::new(),
    }
}

fn document(selection: &Selection, told: &[Described]) -> Json {
    let targets = selection.indexed().zip(told).map(|((index, replica), told)| {
        let mut object = record::who(selection, index);
        object["address"] = (&*replica.address).into();
        object["labels"] = replica.labels.iter().map(|(k, v)| (k.to_owned(), v)).collect();
        object["state"] =
            told.as_ref().map_or_else(|o| record::class(o.class()), |_| "ready").into();
        match told {
            Err(outcome) => {
                object["reason"] = outcome.reason().map(|reason| reason.as_str()).into();
            }
            Ok(one) => {
                object["language"] = (&*one.language).into();
                object["runtime_version"] = (&*one.runtime_version).into();
                object["driver"] = (&*one.driver).into();
                object["sidecar_version"] = (&*one.sidecar_version).into();
                object["read_only"] = match &one.read_only {
                    None => Json::Null,
                    Some(Keeper::Engine) => "engine".into(),
                    Some(Keeper::Function(name)) => name.to_string().into(),
                };
                object["loaded"] = loaded::list(&one.loaded);
                object["interrupt"] = format!("{:?}", one.interrupt).to_lowercase().into();
            }
        }
        object
    });
    json!({ "targets": targets.collect::<Vec<_>>() })
}
