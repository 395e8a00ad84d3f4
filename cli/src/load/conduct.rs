//! One run after the other: reading first, then file by file while all replicas are ok.

use prepl_core::{ExitCode, Expression, Origin, Query};
use prepl_gateway::Plan;

use super::file::File;
use super::told::{Told, all_ok, named};
use crate::command::Global;
use crate::console::Console;
use crate::exec::{self, Asked, Opened, ShowArgs, StartArgs};
use crate::problem::Problem;
use crate::render::page::{Ink, Page};
use crate::render::{self, Format, Results, closing};
use crate::request::ask::Patience;

/// Where files are read: no app changes what a name of Clojure's own means there.
const READ_IN: &str = "clojure.core";

/// A load under way.
pub struct Conduct<'a> {
    /// How runs start.
    pub start: &'a StartArgs,
    /// How answers are shown.
    pub show: &'a ShowArgs,
    /// Flags of every command.
    pub global: &'a Global,
    /// Who is asked, as the user said it.
    pub query: &'a Query,
    /// The way there.
    pub opened: &'a Opened,
    /// Where answers go.
    pub console: &'a mut Console,
}

impl Conduct<'_> {
    /// Lets all replicas read the files; the code is that of the first run that not all are ok in,
    /// which is shown.
    pub async fn read(&mut self, expressions: &[Expression]) -> Result<ExitCode, Problem> {
        // Its answers are worth a word when something is wrong, and not as they come.
        let quietly = self.show.in_form(Format::Fold);
        for text in expressions {
            let plan = self.plan(text, Origin::Typed, Some(READ_IN))?;
            let results = self.run(plan, &quietly).await?;
            if !all_ok(&results) {
                return Ok(self.unread(&results, &quietly));
            }
        }
        Ok(ExitCode::Ok)
    }

    /// What a replica threw while it read is a flaw of a text.
    fn unread(&mut self, results: &Results, quietly: &ShowArgs) -> ExitCode {
        let flawed = !results.folded.raised.is_empty();
        let code = if flawed { ExitCode::Usage } else { results.exit_code(false) };
        let object = serde_json::json!({ "unread": render::json::document(results, code) });
        match render::document(self.show.output, "unread", object) {
            Some(document) => self.console.answer(&document),
            None => drop(exec::show(quietly, results, self.console)),
        }
        self.tell("not read by all replicas, so nothing was loaded on any\n");
        code
    }

    /// Loads file by file; the code is that of the file that not all replicas have loaded, else of
    /// the first whose answers were not as expected.
    pub async fn load(&mut self, files: &[File]) -> Result<ExitCode, Problem> {
        let mut runs: Vec<(Results, ExitCode)> = Vec::new();
        let mut ended = Ok(());
        for (place, file) in files.iter().enumerate() {
            self.head(file, place, files.len());
            match self.one(file).await {
                Ok(results) => {
                    let ends = place + 1 == files.len() || !all_ok(&results);
                    let code = self.shown(&results, ends);
                    runs.push((results, code));
                    if ends {
                        break;
                    }
                }
                Err(problem) => {
                    ended = Err(problem);
                    break;
                }
            }
        }
        self.end(files, &runs);
        let worst = runs.iter().map(|(_, code)| *code).rfind(|code| *code != ExitCode::Ok);
        ended.map(|()| worst.unwrap_or(ExitCode::Ok))
    }

    async fn one(&mut self, file: &File) -> Result<Results, Problem> {
        let plan = self.plan(&file.text, Origin::File(file.name.clone()), None)?;
        self.run(plan, self.show).await
    }

    /// What is to be done with a text.
    pub fn plan(
        &self,
        text: &Expression,
        origin: Origin,
        namespace: Option<&str>,
    ) -> Result<Plan, Problem> {
        let asked = Asked {
            query: self.query.clone(),
            expression: text.clone(),
            origin,
            session: None,
            namespace: namespace.map(Into::into),
            read_only: false,
        };
        self.start.plan(&asked, None)
    }

    async fn run(&mut self, plan: Plan, show: &ShowArgs) -> Result<Results, Problem> {
        let grounds = self.start.grounds()?;
        let patience = Patience::Waits { drawn: show.draws_progress() };
        let run = self.opened.start(plan, grounds, patience, show, self.global, self.console);
        run.await?.ok_or_else(|| Problem::failed("it waits for others, and nobody waits for it"))
    }

    /// Tells which file comes now.
    fn head(&mut self, file: &File, place: usize, all: usize) {
        if self.show.output == Format::Jsonl {
            self.console.answer(&render::jsonl::line("file", named(file)));
        }
        let mut page = Page::new(self.console.err_colour);
        page.put(Ink::Strong, file.name.as_str());
        page.put(Ink::Faint, &format!("  {} of {all}", place + 1)).end();
        self.tell(&page.finish());
    }

    /// Shows the answers of one file; documents are written as one, at the end.
    fn shown(&mut self, results: &Results, ends: bool) -> ExitCode {
        if self.is_document() {
            return results.exit_code(self.show.told.expect_same);
        }
        if ends {
            return exec::show(self.show, results, self.console);
        }
        self.tell(&closing::remarks(results, self.console.err_colour));
        exec::show_answers(self.show, results, self.console)
    }

    fn end(&mut self, files: &[File], runs: &[(Results, ExitCode)]) {
        let told = Told { files, selection: &self.opened.selection, runs };
        if let Some(document) = render::document(self.show.output, "loaded", told.json())
            && self.is_document()
        {
            self.console.answer(&document);
        }
        self.tell(&told.lines(self.console.err_colour));
    }

    fn is_document(&self) -> bool {
        matches!(self.show.output, Format::Json | Format::Yaml | Format::Edn)
    }

    /// Tells a person something, unless he wants to know nothing.
    pub fn tell(&mut self, text: &str) {
        if !self.show.told.quiet {
            self.console.tell(text);
        }
    }
}
