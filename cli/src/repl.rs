//! `prepl repl`: a prompt for a fleet.
//!
//! Reading order: `command` what can be typed · `syntax` and `braces` when a text is whole ·
//! `conversation` the session and its last answers · `answer`, `told`, `prompt` and `help` what is
//! shown · `obey`, `save` and `turn` what a text does · `interactive`, `editor`, `helper`, `word`,
//! `paint` and `history` the terminal · `piped` texts without one.

mod answer;
mod braces;
mod command;
mod conversation;
mod editor;
mod help;
mod helper;
mod history;
mod interactive;
mod obey;
mod paint;
mod piped;
mod prompt;
mod save;
mod syntax;
mod told;
mod turn;
mod word;

use std::io::IsTerminal as _;

use clap::Args;
use prepl_core::ExitCode;
use prepl_core::selection::Pattern;
use prepl_crd::Mode;

use crate::command::Global;
use crate::console::Console;
use crate::members::Members;
use crate::problem::Problem;
use crate::reach::{self, LASTING, Purpose};
use crate::select::SelectArgs;
use crate::settings::SettingsArgs;
use conversation::Conversation;

/// A prompt for all replicas you name: one session on each, the answers folded
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl repl deploy/api -n shop                 a prompt; :help shows what it can do
  prepl repl api-1                              with one replica, an ordinary REPL
  prepl repl -l app=api --read-only             only where something keeps it from writing
  prepl repl -A < checks.clj                    form by form, without a prompt

What is typed is kept in a history for each fleet, in clear; a line that begins with a space is not.

Exit codes: 0 the user left; without a terminal, as exec's for the first form that went wrong")]
pub struct ReplArgs {
    /// TYPE/NAME, or a regular expression on names
    #[arg(value_name = "TARGET")]
    target: Option<Pattern>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Converses until the user leaves, or standard input ends.
pub fn run(args: &ReplArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let done = runtime.block_on(converse(args, global, &mut console));
    // What still waits for a replica must not hold up the user.
    runtime.shutdown_background();
    let code = done?;
    console.written()?;
    Ok(code.number())
}

async fn converse(
    args: &ReplArgs,
    global: &Global,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let settings = args.settings.settings()?;
    let purpose = Purpose { mode: Mode::Eval, lasting: LASTING };
    let members = Members::open(global, &args.select, args.target.clone(), purpose).await?;
    console.tell(&members.idle_parts());
    let mut conversation = Conversation::new(members, settings, args.words())?;
    let (first, syntax) = conversation.begin().await;
    let left = if std::io::stdin().is_terminal() {
        console.tell(&format!("{first} · :help\n"));
        interactive::converse(&mut conversation, syntax, console).await
    } else {
        piped::converse(&mut conversation, syntax, console).await
    };
    console.tell(&conversation.members.warnings());
    let ended = conversation.end().await;
    left.and_then(|code| ended.map(|()| code))
}

impl ReplArgs {
    /// What the members are called where they are of several workloads.
    fn words(&self) -> String {
        self.target.as_ref().map_or_else(|| "fleet".to_owned(), ToString::to_string)
    }
}
