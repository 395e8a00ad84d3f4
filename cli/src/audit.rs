//! `prepl audit`: who did what, and whether the log that tells it is whole.
//!
//! Reading order: `source` where logs come from: `logs` folders, `fetch`, `store` and
//! `fetching` a cluster's gateways · `entry`, `filter` and `gather` what a log tells, joined ·
//! `list` and `record` the list · `find` and `show` one matter in full · `witness`,
//! `anchored`, `verify` and `judged` whether it is whole · `damaged` what is said when it is
//! not · `export` for other programs · `signals` that end it from outside.

mod anchored;
mod damaged;
mod entry;
mod export;
mod fetch;
mod fetching;
mod filter;
mod find;
mod gather;
mod judged;
mod list;
mod logs;
mod record;
mod show;
mod signals;
mod source;
mod store;
mod verify;
mod witness;

use std::time::Duration;

use clap::{Args, Subcommand};
use prepl_audit::Moment;
use prepl_core::ExitCode;

use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::render::json;
use crate::{quantity, reach};
use damaged::Damaged;
use export::ExportFormat;
use filter::{FilterArgs, before};
use find::Wanted;
use list::{ListFormat, Look};
use logs::LogFolder;
use show::ShowFormat;
use source::{Collected, SourceArgs, WitnessArgs};
use witness::Checkpoints;

/// Show who did what, and whether the log that tells it is whole
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl audit list --since 1h
  prepl audit list --user mira --denied -o wide
  prepl audit show 7Q4K9ABC
  prepl audit verify
  prepl audit verify --folder copy --checkpoints checkpoints.jsonl --key 3f9c…
  prepl audit export --format ocsf > events.jsonl

Without --folder the logs of the local fleet are read, else every gateway of the cluster is asked.

Exit codes: 0 well, 3 no such run, 4 denied, 7 not all could be read or compared, 9 a log is not whole")]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Subcommand, Clone, Debug)]
enum AuditCommand {
    /// List what was run, attached to and denied, the newest last
    List(ListArgs),
    /// Show all that is recorded of one run, tunnel or denial
    Show(ShowArgs),
    /// Check that no record was changed, taken out or cut off
    Verify(WitnessArgs),
    /// Write out whole logs for other programs
    Export(ExportArgs),
}

#[derive(Args, Clone, Debug)]
struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Form of the list
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    output: ListFormat,
    /// No line of heads
    #[arg(long)]
    no_headers: bool,
}

#[derive(Args, Clone, Debug)]
struct ShowArgs {
    /// Run id, request id (8 digits are enough), or number of a record (#42)
    #[arg(value_name = "ID", value_parser = |text: &str| text.parse::<Wanted>())]
    wanted: Wanted,
    /// Look only into files of the last so long: 30m, 12h, 7d
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    since: Option<Duration>,
    /// Form of the records
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    output: ShowFormat,
}

#[derive(Args, Clone, Debug)]
struct ExportArgs {
    /// Form of the records
    #[arg(long, value_enum, default_value = "jsonl", value_name = "FORM")]
    format: ExportFormat,
}

/// Reads the logs, and answers.
pub fn run(args: &AuditArgs, global: &Global) -> Result<u8, Problem> {
    let runtime = reach::runtime()?;
    let done = runtime.block_on(done(args, global));
    // What still reads must not hold up the user.
    runtime.shutdown_background();
    if let Err(problem) = done.as_ref()
        && args.command.is_for_programs()
    {
        Console::detect(global.color).answer(&json::error(problem));
    }
    done.map(ExitCode::number)
}

async fn done(args: &AuditArgs, global: &Global) -> Result<ExitCode, Problem> {
    let mut ends = signals::Ends::listen();
    let now = Moment::now();
    let (since, witnesses) = (args.command.since(now), args.command.witnesses());
    let collected = tokio::select! {
        collected = args.source.collect(global, since, witnesses) => collected?,
        () = ends.next() => return Err(interrupted()),
    };
    let Collected { logs, silent, checkpoints, fetched } = collected;
    let mut console = Console::detect(global.color);
    silent.iter().for_each(|one| console.tell(&one.warning()));
    let (command, all_told) = (args.command.clone(), silent.is_empty());
    // It takes as long as the logs are.
    let answer = tokio::task::spawn_blocking(move || {
        let answered = command.answer(&logs, checkpoints, all_told, now, &mut console)?;
        console.written()?;
        Ok(answered)
    });
    let answered = tokio::select! {
        answered = answer => answered.map_err(Problem::failed)?,
        () = ends.next() => Err(interrupted()),
    };
    drop(fetched);
    answered
}

fn interrupted() -> Problem {
    Problem::interrupted("interrupted; what was fetched is removed")
}

impl AuditCommand {
    fn since(&self, now: Moment) -> Option<Moment> {
        match self {
            AuditCommand::List(list) => list.filter.at(now).since,
            AuditCommand::Show(show) => show.since.map(|since| before(now, since)),
            AuditCommand::Verify(_) | AuditCommand::Export(_) => None,
        }
    }

    fn witnesses(&self) -> Option<&WitnessArgs> {
        match self {
            AuditCommand::Verify(witnesses) => Some(witnesses),
            _ => None,
        }
    }

    fn is_for_programs(&self) -> bool {
        match self {
            AuditCommand::List(list) => list.output.is_for_programs(),
            AuditCommand::Show(show) => show.output == ShowFormat::Json,
            AuditCommand::Verify(_) | AuditCommand::Export(_) => false,
        }
    }

    fn answer(
        &self,
        logs: &[LogFolder],
        checkpoints: Checkpoints,
        all_told: bool,
        now: Moment,
        console: &mut Console,
    ) -> Result<ExitCode, Problem> {
        if logs.is_empty() && all_told && checkpoints.left().next().is_none() {
            return Err(Problem::nothing_matched("there is no audit log").hint(
                "a local fleet has one once something ran; name a copied one with --folder",
            ));
        }
        let code = match self {
            AuditCommand::List(args) => list(args, logs, now, console)?,
            AuditCommand::Show(args) => show(args, logs, console)?,
            AuditCommand::Verify(_) => {
                let found = verify::look(logs, checkpoints).map_err(|error| unread(&error))?;
                console.answer(&found.sheet(console.out_colour));
                found.exit_code(all_told)
            }
            AuditCommand::Export(args) => export::run(logs, args.format, console)?,
        };
        Ok(if code == ExitCode::Ok && !all_told { ExitCode::Unreachable } else { code })
    }
}

fn list(
    args: &ListArgs,
    logs: &[LogFolder],
    now: Moment,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let found = gather::gather(logs, &args.filter.at(now)).map_err(|error| unread(&error))?;
    warn(&found.damaged, console);
    if found.left_out > 0 {
        let newest = gather::MAX_ENTRIES;
        console.tell(&format!("the newest {newest} are shown; {} older are not\n", found.left_out));
    }
    if found.entries.is_empty() {
        console.tell("nothing of it is recorded\n");
    }
    let look = Look {
        colour: console.out_colour,
        heads: !args.no_headers && !found.entries.is_empty(),
        width: console.out_width(),
    };
    console.answer(&list::render(args.output, &found.entries, look));
    Ok(ExitCode::Ok)
}

fn show(args: &ShowArgs, logs: &[LogFolder], console: &mut Console) -> Result<ExitCode, Problem> {
    let (found, damaged) = find::find(logs, &args.wanted).map_err(|error| unread(&error))?;
    warn(&damaged, console);
    if found.is_empty() {
        return Err(Problem::nothing_matched("nothing of that name is recorded")
            .hint("`prepl audit list` shows what is; old records go with their files"));
    }
    console.answer(&show::render(args.output, &found, console.out_colour));
    Ok(ExitCode::Ok)
}

fn warn(damaged: &[Damaged], console: &Console) {
    damaged.iter().for_each(|one| console.tell(&one.warning()));
}

fn unread(error: &std::io::Error) -> Problem {
    Problem::failed(format!("cannot read the log: {error}"))
        .hint("look at the disk and at the rights on its folder")
}
