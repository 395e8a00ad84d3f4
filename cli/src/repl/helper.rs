//! What the line editor asks while somebody types.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use tokio::sync::mpsc::Sender;

use super::command::{self, WORDS};
use super::editor::{Event, Question};
use super::paint::painted;
use super::syntax::Syntax;
use super::word;

/// How long somebody waits for completions: the answers of the replicas, and a little more.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Answers the line editor.
pub struct Asked {
    /// The rules of what is typed.
    pub syntax: Syntax,
    /// Whom to ask for completions.
    pub events: Sender<Event>,
    /// Whether the last line is final, so that no bracket stands out.
    pub is_final: Cell<bool>,
}

impl Helper for Asked {}

impl Hinter for Asked {
    type Hint = String;
}

impl Validator for Asked {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let continues = !command::is_command(text) && self.syntax.continues(text);
        Ok(if continues { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Highlighter for Asked {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        let cursor = (!self.is_final.get()).then_some(pos);
        Cow::Owned(painted(self.syntax, line, cursor))
    }

    fn highlight_char(&self, _line: &str, _pos: usize, kind: CmdKind) -> bool {
        self.is_final.set(kind == CmdKind::ForcedRefresh);
        true
    }
}

impl Completer for Asked {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..pos).unwrap_or_default();
        if command::is_command(typed) || typed.trim() == ":" {
            return Ok(commands(typed));
        }
        let Some(start) = word::start(self.syntax, typed) else { return Ok((pos, Vec::new())) };
        let (reply, answer) = channel();
        let question = Question { prefix: typed[start..].to_owned(), reply };
        // Nobody listens when the prompt ends; who answers late is not waited for.
        let asked = self.events.blocking_send(Event::Complete(question));
        let found = asked.ok().and_then(|()| answer.recv_timeout(PATIENCE).ok());
        Ok((start, found.unwrap_or_default()))
    }
}

fn commands(typed: &str) -> (usize, Vec<Pair>) {
    let start = typed.len() - typed.trim_start().len();
    let fitting = WORDS.into_iter().filter(|word| word.starts_with(&typed[start..]));
    let pair = |word: &str| Pair { display: word.to_owned(), replacement: word.to_owned() };
    (start, fitting.map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_completed_without_asking() {
        let words = |typed| {
            let (start, pairs) = commands(typed);
            (start, pairs.into_iter().map(|pair| pair.replacement).collect::<Vec<_>>())
        };
        assert_eq!(words(" :w"), (1, vec![":w".to_owned(), ":who".to_owned()]));
        assert_eq!(words(":").1.len(), WORDS.len());
        assert_eq!(words(":zone").1, [""; 0]);
    }
}
