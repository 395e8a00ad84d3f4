//! A conversation with the members: who is asked, what they answered last.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{ExitCode, Expression, Limits, Origin, Selection};
use prepl_gateway::Plan;
use prepl_gateway::gateway::Described;
use tokio::signal::ctrl_c;
use tokio::time::timeout;

use super::command::Narrowed;
use super::syntax::Syntax;
use super::{answer, prompt, told};
use crate::console::Console;
use crate::drive::{Ended, Follow};
use crate::ids;
use crate::live::Live;
use crate::members::Members;
use crate::problem::Problem;
use crate::render::page::Seat;
use crate::render::printed::Printed;
use crate::render::{Results, View};
use crate::talk::{Ask, Settings, Talk};
use crate::tooling::Tooling;
use crate::tooling::complete::Completions;
use prepl_fold::Comparison;

/// How long completions may take.
const COMPLETE_PATIENCE: Duration = Duration::from_millis(1500);
/// How long the good-bye to the sessions may take; they end by themselves too.
const END_PATIENCE: Duration = Duration::from_secs(3);
/// What is told when another gateway is asked, or another access is used.
const ANOTHER_WAY: &str =
    "the way to the fleet is another one now; the sessions are those of before";
/// Groups shown in full.
const MAX_GROUPS: usize = 10;

/// One session with the members, and what is known of it.
pub struct Conversation {
    /// Those who are asked.
    pub members: Arc<Members>,
    /// The session.
    pub talk: Talk,
    /// Some of the members, where not all are to be asked.
    pub narrowed: Option<Narrowed>,
    /// The last answers.
    pub last: Option<Results>,
    /// What was sent last, and to whom.
    sent: Option<(Selection, Plan)>,
    tooling: Tooling,
    /// The query in the user's words.
    query: String,
    /// Whether the last look failed.
    is_away: Cell<bool>,
    /// Other ways to the members that were told.
    renewals: Cell<usize>,
}

/// What came of a text.
struct Answered {
    results: Results,
    /// What was printed is on the screen already.
    showed_output: bool,
}

impl Conversation {
    /// A new one; nothing is sent.
    pub fn new(
        members: Members,
        settings: Settings,
        query: String,
    ) -> Result<Conversation, Problem> {
        let members = Arc::new(members);
        let tooling = Tooling::new(Arc::clone(&members), &settings)?;
        let talk = Talk::new(Arc::clone(&members), settings)?;
        let (narrowed, last, sent) = (None, None, None);
        let (is_away, renewals) = (Cell::new(false), Cell::new(0));
        Ok(Conversation { members, talk, narrowed, last, sent, tooling, query, is_away, renewals })
    }

    /// The members that are asked now.
    pub fn asked(&self) -> Selection {
        let members = self.members.selection();
        match &self.narrowed {
            Some(narrowed) => narrowed.select(members.replicas()),
            None => members,
        }
    }

    /// The prompt without and with colour.
    pub fn prompt(&self, colour: bool) -> (String, String) {
        let name = prompt::name(&self.members.selection(), &self.query);
        prompt::prompt(self.talk.place(), &name, &self.asked(), colour)
    }

    /// What each of those who are asked is.
    pub async fn describe(&self) -> (Selection, Vec<Described>) {
        let asked = self.asked();
        let told = match asked.is_empty() {
            true => Vec::new(),
            false => self.members.describe(&asked).await.unwrap_or_default(),
        };
        (asked, told)
    }

    /// The first lines: who is asked, and by which rules texts are read.
    pub async fn begin(&self) -> (String, Syntax) {
        let (asked, told) = self.describe().await;
        let line = told::who(&asked, &told, self.talk.settings.read_only);
        (line, Syntax::of(told.iter().flatten()))
    }

    /// Looks who is there; gives lines about what changed.
    pub async fn look(&self, colour: bool) -> String {
        match self.members.look().await {
            Ok(change) => {
                self.is_away.set(false);
                let renewals = self.members.renewals();
                let is_new = self.renewals.replace(renewals) != renewals;
                let new = is_new.then(|| told::noted(ANOTHER_WAY, colour));
                let change = told::change(&change, &self.members.selection(), colour);
                new.unwrap_or_default() + change.as_str()
            }
            Err(_) if self.is_away.replace(true) => String::new(),
            Err(problem) => {
                told::noted(&format!("nobody can be reached: {}", problem.message), colour)
            }
        }
    }

    /// Names that begin so, where those who are asked know some.
    pub async fn complete(&self, prefix: &str) -> Completions {
        let asked = self.asked();
        let namespace = match self.talk.place() {
            crate::talk::Place::One(namespace) => Some(&**namespace),
            _ => None,
        };
        let found = self.tooling.complete(&asked, prefix, namespace);
        let found = timeout(COMPLETE_PATIENCE, found).await;
        // Who types goes on typing.
        found.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Evaluates a text on those who are asked, and shows their answers.
    ///
    /// Ctrl-C interrupts it; a second one leaves it.
    pub async fn evaluate(
        &mut self,
        text: &str,
        console: &mut Console,
    ) -> Result<ExitCode, Problem> {
        let expression = Expression::new(text).map_err(Problem::usage)?;
        let changed = tokio::select! {
            changed = self.look(console.err_colour) => changed,
            _ = ctrl_c() => return Err(Problem::interrupted("interrupted before anything ran")),
        };
        console.tell(&changed);
        let asked = self.asked();
        if asked.is_empty() {
            return Err(nobody(self.narrowed.as_ref()));
        }
        let ask = Ask { expression, origin: Origin::Typed, namespace: None, interactive: false };
        let plan = self.talk.plan(ask)?;
        self.sent = Some((asked.clone(), plan.clone()));
        let answered = self.follow(&asked, plan, console).await?;
        let learned = self.talk.learn(&asked, &answered.results.answers);
        let code = self.show(answered, Seat::Prompt, console);
        console.tell(&told::learned(&learned, &asked, console.err_colour));
        Ok(code)
    }

    /// Asks for the answers of what was sent last, and runs nothing.
    pub async fn recall(&mut self, console: &mut Console) -> Result<ExitCode, Problem> {
        let Some((asked, plan)) = self.sent.clone() else {
            return Err(Problem::usage("nothing was sent yet").hint("evaluate something first"));
        };
        let plan = Plan { run: ids::run()?, recall: true, ..plan };
        let answered = self.follow(&asked, plan, console).await?;
        Ok(self.show(answered, Seat::Recalled, console))
    }

    fn show(&mut self, answered: Answered, seat: Seat, console: &mut Console) -> ExitCode {
        let Answered { results, showed_output } = answered;
        let view = View {
            colour: console.out_colour,
            on_terminal: console.out_terminal,
            max_groups: MAX_GROUPS,
            seat,
        };
        let screen = match showed_output {
            true => answer::render(&answer::without_output(&results), view),
            false => answer::render(&results, view),
        };
        console.answer(&screen);
        let code = results.exit_code(false);
        self.last = Some(results);
        code
    }

    async fn follow(
        &self,
        asked: &Selection,
        plan: Plan,
        console: &mut Console,
    ) -> Result<Answered, Problem> {
        let is_drawn = console.err_terminal && console.out_terminal;
        let live = match is_drawn {
            true => Live::Printed(Printed::new(asked.clone(), console.out_colour)),
            // What reads a pipe has the same text, however long a run takes.
            false => Live::Waiting,
        };
        let mut follow = Follow::new(console, asked, (live, String::new()), is_drawn);
        let (run, request) = (plan.run, plan.request);
        let started = follow.start(self.talk.start(asked, plan)).await?;
        let Ended { answers, summary, showed_output } = follow.to_the_end(started).await;
        let asked = asked.clone();
        let results = Results::new(asked, answers, summary, run, request, Comparison::Canonical);
        Ok(Answered { results, showed_output })
    }

    /// The longest time of an evaluation from now on.
    pub fn set_timeout(&mut self, time: Duration) -> Result<(), Problem> {
        let limits = self.talk.settings.limits;
        let limits = Limits::new(time, limits.value_bytes(), limits.output_bytes());
        let limits = limits.map_err(Problem::usage)?;
        self.talk.settings.limits = limits;
        Ok(())
    }

    /// Ends the session on the members, and waits until all that happened is recorded.
    pub async fn end(self) -> Result<(), Problem> {
        // Who leaves is not kept.
        let _ = timeout(END_PATIENCE, self.talk.end()).await;
        drop((self.talk, self.tooling));
        match Arc::into_inner(self.members) {
            Some(members) => members.close().await,
            None => Ok(()),
        }
    }
}

fn nobody(narrowed: Option<&Narrowed>) -> Problem {
    match narrowed {
        Some(narrowed) => {
            let words = &narrowed.words;
            Problem::nothing_matched(format!("no member is {words} any more; nothing ran"))
                .hint(":w asks all members again")
        }
        None => Problem::nothing_matched("no replica is there any more; nothing ran")
            .hint("those that come are told here"),
    }
}
