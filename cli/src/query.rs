//! `prepl query`: a question to the app's own data source, and one table of all answers.
//!
//! Reading order: `template` how a service is asked (`body` its expression, `templates` where it
//! stands, `list`) · `words` what the command line asks (`data` EDN, `arguments`) · `sheet` one
//! answer as rows, `read` how (`heads`, `order`), `table` all of them, `equal` rows told once ·
//! `screen`, `csv`, `json` and `edn` the forms, `cell` one value in them.

mod arguments;
mod body;
mod cell;
mod csv;
mod data;
mod edn;
mod equal;
mod heads;
mod json;
mod list;
mod order;
mod read;
mod screen;
mod sheet;
mod table;
mod template;
mod templates;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use prepl_core::{ExitCode, Expression, Origin};

use self::arguments::Arguments;
use self::body::Filling;
use self::read::Reading;
use self::screen::Rows;
use self::table::Table;
use self::template::Template;
use self::templates::Places;
use self::words::Words;
use crate::command::Global;
use crate::console::Console;
use crate::exec::{self, Asked, RunArgs, ShowArgs, ToldArgs};
use crate::problem::Problem;
use crate::render::closing::{self, Reader};
use crate::render::{Format, Results};
use crate::state;

/// Ask the data source of every replica you name, and get one table
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "prepl query NAME [TARGET] [FLAGS] QUERY\n       prepl query --list",
    after_help = "Examples:
  prepl query orders 'select id, total from orders order by id'
  prepl query orders deploy/api 'select * from orders where state = ?' --arg open
  prepl query orders -l app=api -o csv -f open-orders.sql > open-orders.csv
  prepl query people '[:find ?e ?name :where [?e :person/name ?name]]' --each

NAME is a template: how this service is asked, written down once in queries.toml (docs/query.md).

Exit codes: those of exec; 9 when an answer is no table, or rows differ (--expect-same)"
)]
pub struct QueryArgs {
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    arguments: Arguments,
    /// File of templates, before the fleet's queries.toml and your own
    #[arg(long, value_name = "FILE")]
    templates: Option<PathBuf>,
    /// List the templates there are
    #[arg(long, conflicts_with_all = ["words", "file"])]
    list: bool,
    /// Most rows of each replica; the app is asked for one more, to know whether there are
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit_rows: u32,
    #[command(flatten)]
    run: RunArgs,
    /// Form of the answers
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM", help_heading = HOW_TO_SHOW)]
    output: QueryFormat,
    /// Show the rows of each replica apart, also those that all have
    #[arg(long, help_heading = HOW_TO_SHOW)]
    each: bool,
    #[command(flatten)]
    told: ToldArgs,
}

const HOW_TO_SHOW: &str = "How to show the answers";

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum QueryFormat {
    /// Aligned columns; rows that all replicas have stand once
    Table,
    /// Comma-separated values, each row behind its replica's name
    Csv,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
    /// A vector of EDN maps
    Edn,
}

impl QueryFormat {
    /// The form of what is no table.
    fn of_others(self) -> Format {
        match self {
            QueryFormat::Table | QueryFormat::Csv => Format::Table,
            QueryFormat::Json => Format::Json,
            QueryFormat::Jsonl => Format::Jsonl,
            QueryFormat::Edn => Format::Edn,
        }
    }
}

/// Asks; the exit code tells how the replicas answered.
pub fn run(args: &QueryArgs, global: &Global) -> Result<u8, Problem> {
    let form = args.output.of_others();
    exec::ended(global, form, args.told, async |console| {
        let (fleet, own) = (global.fleet(), state::configuration());
        let places = Places::new(args.templates.as_deref(), fleet.as_deref(), own.as_deref());
        if args.list {
            console.answer(&list::render(&places.all()?, form, console.out_colour));
            return Ok(ExitCode::Ok);
        }
        let (asked, reading) = args.asked(&places)?;
        let show = ShowArgs::at_the_end(form, args.told);
        let shown =
            |results: &Results, console: &mut Console| args.show(results, &reading, console);
        args.run.done(asked, &show, global, console, shown).await
    })
}

impl QueryArgs {
    /// What is asked of whom, and how the answers are to be read.
    fn asked(&self, places: &Places) -> Result<(Asked, Reading), Problem> {
        let asking = self.words.read()?;
        let template = places.find(&asking.name)?;
        if !self.arguments.is_empty() && !template.expression.takes_arguments() {
            return Err(Problem::usage(format!("template {} takes no arguments", asking.name))
                .hint("leave out --arg, or write {{args}} in its expression"));
        }
        let (query, heads) = words::literal(&asking.text, template.language)?;
        let expression = template.expression.filled(&self.filling(query)?);
        let read_only = template.read_only || self.run.once.read_only;
        let named = self.run.start.select.query(asking.target);
        let query = match named.names_something() {
            true => named,
            false => self.run.start.select.query(template.target.clone()),
        };
        let Template { ns, .. } = template;
        let asked = Asked {
            query,
            expression: Expression::new(expression).map_err(Problem::usage)?,
            session: None,
            namespace: ns.map(Arc::from),
            read_only,
            origin: Origin::Typed,
        };
        Ok((asked, Reading { rows: self.limit_rows as usize, heads }))
    }

    /// One row more than is shown tells that there are more; an eighth of the bytes is left for
    /// heads and brackets.
    fn filling(&self, query: String) -> Result<Filling, Problem> {
        let bytes = self.run.start.bounds.limit_bytes;
        Ok(Filling {
            query,
            arguments: self.arguments.vector()?,
            rows: self.limit_rows + 1,
            bytes: bytes - bytes / 8,
        })
    }

    fn show(&self, results: &Results, reading: &Reading, console: &mut Console) -> ExitCode {
        let table = Table::of(&results.answers, reading);
        let differs = self.told.expect_same && !equal::is_same(&table);
        let code = results.verdict(differs || !table.without.is_empty());
        console.answer(&self.rendered(&table, results, code, console));
        if matches!(self.output, QueryFormat::Csv | QueryFormat::Edn) {
            console.tell(&screen::missing(&table, results, console.err_colour));
        }
        console.tell(&screen::cut(&table, &results.selection, reading.rows));
        if !self.told.quiet {
            let reader = if console.reader_left() { Reader::Left } else { Reader::There };
            console.tell(&closing::closing(results, reader, console.err_colour));
        }
        code
    }

    fn rendered(
        &self,
        table: &Table,
        results: &Results,
        code: ExitCode,
        console: &Console,
    ) -> String {
        let (selection, colour) = (&results.selection, console.out_colour);
        let rows = if self.each { Rows::Each } else { Rows::Folded };
        match self.output {
            QueryFormat::Table => {
                screen::table(table, selection, rows, colour)
                    + screen::missing(table, results, colour).as_str()
            }
            QueryFormat::Csv => csv::render(table, selection, console.out_terminal),
            QueryFormat::Json => json::document(table, results, code),
            QueryFormat::Jsonl => json::lines(table, results, code),
            QueryFormat::Edn => edn::render(table, selection),
        }
    }
}
