//! `prepl targets`: who would be asked, and whether each can answer.

use clap::{Args, ValueEnum};
use prepl_core::selection::Pattern;
use prepl_core::{Description, ExitCode, Selection};
use prepl_gateway::gateway::Described;
use serde_json::{Value as Json, json};

use crate::command::Global;
use crate::console::Console;
use crate::pace::PaceArgs;
use crate::problem::Problem;
use crate::reach;
use crate::render::columns::{Columns, Row};
use crate::render::page::{Ink, Page};
use crate::render::{self, crowd, record};
use crate::select::{self, SelectArgs};

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
    /// Aligned columns
    Table,
    /// The same with uid, address, labels and sidecar
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
    let fleet = reach::open(global.fleet().as_deref())?;
    let query = args.select.query(args.target.clone());
    let selection = select::resolve(&query, fleet.replicas())?;
    console.tell(&select::warnings(&query, fleet.replicas()));
    let gateway = reach::gateway(&fleet)?;
    let runtime = reach::runtime()?;
    let (patience, width) = (args.pace.patience(None).connect, args.pace.width());
    let told = runtime.block_on(gateway.describe(&selection, patience, width));
    runtime.shutdown_background();
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

const HEADS: [&str; 9] =
    ["NAME", "NAMESPACE", "WORKLOAD", "NODE", "ZONE", "VERSION", "RUNTIME", "DRIVER", "STATE"];
const WIDE_HEADS: [&str; 4] = ["UID", "ADDRESS", "SIDECAR", "LABELS"];

fn table(selection: &Selection, told: &[Described], wide: bool) -> Columns {
    let more = if wide { &WIDE_HEADS[..] } else { &[] };
    let mut table = Columns::new(HEADS.iter().chain(more).map(|head| (*head).to_owned()).collect());
    for (replica, told) in selection.replicas().iter().zip(told) {
        let (ink, runtime, driver, sidecar) = match told {
            Ok(one) => (Ink::Plain, runtime(one), &*one.driver, &*one.sidecar_version),
            Err(_) => (Ink::Bad, String::new(), "", ""),
        };
        let mut cells = vec![
            replica.id.name.to_string(),
            replica.id.namespace.to_string(),
            replica.workload.to_string(),
            replica.node.to_string(),
            replica.zone.to_string(),
            replica.version.to_string(),
            runtime,
            driver.to_owned(),
            state(told),
        ];
        if wide {
            let labels = replica.labels.iter().map(|(key, value)| format!("{key}={value}"));
            let labels = labels.collect::<Vec<_>>().join(",");
            let uid = replica.id.uid.to_string();
            cells.extend([uid, replica.address.to_string(), sidecar.to_owned(), labels]);
        }
        let cells = cells.into_iter().map(|cell| if cell.is_empty() { "-".into() } else { cell });
        table.push(Row { ink, cells: cells.collect() });
    }
    table
}

fn runtime(description: &Description) -> String {
    let words = [&*description.language, &*description.runtime_version];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn state(told: &Described) -> String {
    match told {
        Ok(_) => "ready".to_owned(),
        Err(outcome) => match outcome.reason() {
            Some(reason) => format!("{}: {reason}", outcome.class()),
            None => outcome.class().to_string(),
        },
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
                object["interrupt"] = format!("{:?}", one.interrupt).to_lowercase().into();
            }
        }
        object
    });
    json!({ "targets": targets.collect::<Vec<_>>() })
}
