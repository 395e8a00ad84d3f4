//! `prepl load`: files onto every replica, in the order in which they need each other.
//!
//! Reading order: `words` what is named · `walk` which files that is, `file` one of them · `order`
//! which comes first · `parse` how replicas read them before · `conduct` run after run · `told` what
//! came of it.

mod conduct;
mod file;
mod order;
mod parse;
mod told;
mod walk;
mod words;

use clap::{Args, ValueEnum};
use prepl_core::{ExitCode, Expression, Origin, Query};

use self::conduct::Conduct;
use self::file::File;
use self::words::Words;
use crate::command::Global;
use crate::console::Console;
use crate::exec::{self, ShowArgs, StartArgs};
use crate::problem::Problem;
use crate::render;
use crate::render::crowd::{count, counted};

/// Load files on every replica you name, after all of them have read them
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "prepl load FILE|FOLDER|NAMESPACE [TARGET] [FLAGS]",
    after_help = "Examples:
  prepl load src/shop/core.clj -l app=api
  prepl load src deploy/api --reason 'fix of the cart' --ticket INC-7
  prepl load shop.core deploy/api --with-deps --source-path src --source-path lib
  prepl load src deploy/api --dry-run compile        every replica reads them, nothing is evaluated

First every replica reads all files, and evaluates nothing of them. When one cannot, nothing is
loaded anywhere (exit code 2). Then each file is a run, and the next one begins when all replicas
are ok. prepl targets -o wide tells what was loaded where.

Exit codes: those of exec, of the file at which it stopped; 2 also where a file cannot be read"
)]
pub struct LoadArgs {
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    start: StartArgs,
    /// Load nothing: show the plan and what policies say, or let the replicas read the files alone
    #[arg(long, value_enum, value_name = "HOW", help_heading = "How to evaluate")]
    dry_run: Option<DryRun>,
    #[command(flatten)]
    show: ShowArgs,
}

/// What is done in place of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    /// The plan and the verdicts on it; nothing is sent to a replica
    Plan,
    /// Every replica reads the files; no macro is expanded, nothing is evaluated
    Compile,
}

/// Loads; the exit code tells how the replicas answered.
pub fn run(args: &LoadArgs, global: &Global) -> Result<u8, Problem> {
    let (output, told) = (args.show.output, args.show.told);
    exec::ended(global, output, told, async |console| args.done(global, console).await)
}

impl LoadArgs {
    async fn done(&self, global: &Global, console: &mut Console) -> Result<ExitCode, Problem> {
        let (what, target) = self.words.read()?;
        let (source_paths, with_deps) = (&self.words.source_paths, self.words.with_deps);
        let files = walk::files(&what, source_paths)?;
        let files = if with_deps { walk::with_deps(files, source_paths)? } else { files };
        let files = order::ordered(files)?;
        let reading = parse::expressions(&files)?;
        let query = self.start.select.query(target);
        self.conducted(&files, &reading, &query, global, console).await
    }

    async fn conducted(
        &self,
        files: &[File],
        reading: &[Expression],
        query: &Query,
        global: &Global,
        console: &mut Console,
    ) -> Result<ExitCode, Problem> {
        let runs = u32::try_from(files.len() + reading.len()).unwrap_or(u32::MAX);
        let opened = self.start.open(query, runs, &self.show, global, console).await?;
        let (start, show) = (&self.start, &self.show);
        let mut conduct = Conduct { start, show, global, query, opened: &opened, console };
        let code = match self.dry_run {
            Some(DryRun::Plan) => self.judged(files, &mut conduct).await,
            Some(DryRun::Compile) => self.only_read(files, reading, &mut conduct).await,
            None => match conduct.read(reading).await {
                Ok(ExitCode::Ok) => conduct.load(files).await,
                unread => unread,
            },
        };
        let closed = opened.close(show, console).await;
        let code = code?;
        closed.map(|()| code)
    }

    async fn judged(&self, files: &[File], conduct: &mut Conduct<'_>) -> Result<ExitCode, Problem> {
        let plan = |file: &File| conduct.plan(&file.text, Origin::File(file.name.clone()), None);
        let plans = files.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
        conduct.tell(&format!("in this order: {}\n", told::names(files)));
        conduct.opened.judge(&plans, &self.start.grounds()?, &self.show, conduct.console).await
    }

    async fn only_read(
        &self,
        files: &[File],
        reading: &[Expression],
        conduct: &mut Conduct<'_>,
    ) -> Result<ExitCode, Problem> {
        let readable = files.iter().filter(|file| file.is_clojure());
        if readable.clone().count() < files.len() {
            return Err(Problem::usage("only Clojure can be read without being evaluated")
                .hint("leave out --dry-run compile, or write --dry-run plan"));
        }
        let code = conduct.read(reading).await?;
        if code == ExitCode::Ok {
            let all: Vec<_> = readable.map(told::named).collect();
            let document = render::document(
                self.show.output,
                "read",
                serde_json::json!({ "files": all, "state": "read" }),
            );
            conduct.console.answer(&document.unwrap_or_default());
            let (files, replicas) =
                (counted(files.len(), "file"), count(conduct.opened.selection.len()));
            conduct.tell(&format!("{files} read on {replicas}; nothing was evaluated\n"));
        }
        Ok(code)
    }
}
