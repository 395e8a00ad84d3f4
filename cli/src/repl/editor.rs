//! The line editor on a thread of its own: it waits for keys, and nothing else waits for it.

use std::cell::Cell;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustyline::completion::Pair;
use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Behavior, ColorMode, CompletionType, Config, ExternalPrinter};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::helper::Asked;
use super::history::{self, MAX_ENTRIES};
use super::syntax::Syntax;
use crate::console::Console;
use crate::problem::Problem;

/// What the editor tells.
pub enum Event {
    /// Somebody waits for completions.
    Complete(Question),
    /// What was asked for with [`Editor::read`] was entered.
    Entered(Entered),
}

/// What came of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// A text.
    Text(String),
    /// Ctrl-C: the text is given up.
    Cleared,
    /// Ctrl-D, or the terminal is gone.
    End,
}

/// A word that somebody wants completed.
pub struct Question {
    /// How it begins.
    pub prefix: String,
    /// Where the candidates go.
    pub reply: mpsc::Sender<Vec<Pair>>,
}

/// The line editor.
pub struct Editor {
    prompts: mpsc::Sender<(String, String)>,
    events: Receiver<Event>,
    printer: Option<Arc<Mutex<dyn ExternalPrinter + Send>>>,
}

impl Editor {
    /// Opens the terminal; texts are read by these rules, and kept in this file.
    pub fn open(
        console: &Console,
        syntax: Syntax,
        history: Option<PathBuf>,
    ) -> Result<Editor, Problem> {
        let config = config(console).map_err(|error| Problem::of(&error))?;
        let kept = history::read(&config, history.as_deref());
        let mut editor =
            rustyline::Editor::with_history(config, kept).map_err(|error| Problem::of(&error))?;
        let (tell, events) = channel(1);
        let is_final = Cell::new(false);
        editor.set_helper(Some(Asked { syntax, events: tell.clone(), is_final }));
        let printer = editor.create_external_printer().ok();
        let printer = printer.map(|printer| Arc::new(Mutex::new(printer)) as Arc<Mutex<_>>);
        let (prompts, asked) = mpsc::channel();
        let serve = move || serve(editor, history, &asked, &tell);
        thread::Builder::new()
            .name("line editor".to_owned())
            .spawn(serve)
            .map_err(|error| Problem::of(&error))?;
        Ok(Editor { prompts, events, printer })
    }

    /// Shows a prompt, without and with colour; what is entered comes as an event.
    pub fn read(&self, prompt: (String, String)) {
        // An editor that has ended says so as its next event.
        let _ = self.prompts.send(prompt);
    }

    /// The next event.
    pub async fn next(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Entered(Entered::End))
    }

    /// Writes lines above what is typed.
    pub fn print(&self, lines: String) {
        match self.printer.clone() {
            // It waits while candidates are shown.
            Some(printer) => drop(spawn_blocking(move || {
                let mut printer = printer.lock().unwrap_or_else(PoisonError::into_inner);
                // A terminal that is gone ends the editor as well.
                let _ = printer.print(lines);
            })),
            None => {
                let _ = std::io::stderr().lock().write_all(lines.as_bytes());
            }
        }
    }
}

fn config(console: &Console) -> rustyline::Result<Config> {
    let colour = if console.out_colour { ColorMode::Enabled } else { ColorMode::Disabled };
    // Answers that go elsewhere are not to be mixed with the prompt.
    let behavior = if console.out_terminal { Behavior::Stdio } else { Behavior::PreferTerm };
    let config = Config::builder().history_ignore_space(true).max_history_size(MAX_ENTRIES)?;
    let config =
        config.completion_type(CompletionType::List).completion_show_all_if_ambiguous(true);
    Ok(config.color_mode(colour).behavior(behavior).bell_style(BellStyle::None).build())
}

/// Reads a text for each prompt, until nobody asks.
fn serve(
    mut editor: rustyline::Editor<Asked, FileHistory>,
    place: Option<PathBuf>,
    prompts: &mpsc::Receiver<(String, String)>,
    events: &Sender<Event>,
) {
    while let Ok(prompt) = prompts.recv() {
        let entered = match editor.readline(&prompt) {
            Ok(text) => {
                // Without a history one can still ask.
                let _ = history::keep(editor.history_mut(), place.as_deref(), &text);
                Entered::Text(text)
            }
            Err(ReadlineError::Interrupted) => Entered::Cleared,
            Err(_) => Entered::End,
        };
        if events.blocking_send(Event::Entered(entered)).is_err() {
            return;
        }
    }
}
