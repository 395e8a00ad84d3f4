//! Texts from a pipe: one form after the other, without a prompt.

use std::io::{self, BufRead, Read as _};

use prepl_core::ExitCode;
use prepl_core::expression::MAX_BYTES;
use tokio::signal::ctrl_c;
use tokio::sync::mpsc::{Receiver, channel};

use super::command::is_command;
use super::conversation::Conversation;
use super::obey::Flow;
use super::syntax::Syntax;
use super::turn::turn;
use crate::console::Console;
use crate::problem::Problem;

/// Evaluates what standard input has, form by form, also after one went wrong. The code is that of
/// the first one that did.
pub async fn converse(
    conversation: &mut Conversation,
    syntax: Syntax,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let mut texts = texts(syntax);
    let mut first = ExitCode::Ok;
    loop {
        let text = tokio::select! {
            text = texts.recv() => text,
            _ = ctrl_c() => return Ok(ExitCode::Interrupted),
        };
        let Some(text) = text else { return Ok(first) };
        let (flow, code) = turn(&text?, conversation, console).await;
        console.written()?;
        if first == ExitCode::Ok {
            first = code;
        }
        if flow == Flow::Leave || code == ExitCode::Interrupted || console.reader_left() {
            return Ok(first);
        }
    }
}

/// Reads on a thread of its own, one form ahead.
fn texts(syntax: Syntax) -> Receiver<Result<String, Problem>> {
    let (tell, texts) = channel(1);
    std::thread::spawn(move || {
        for text in Texts::new(io::stdin().lock(), syntax) {
            if tell.blocking_send(text).is_err() {
                return;
            }
        }
    });
    texts
}

/// The forms and commands of a text that is read by and by.
struct Texts<R> {
    input: R,
    syntax: Syntax,
    /// Forms that were read, the next one last.
    ready: Vec<String>,
}

impl<R: BufRead> Texts<R> {
    fn new(input: R, syntax: Syntax) -> Texts<R> {
        Texts { input, syntax, ready: Vec::new() }
    }

    /// Reads lines until a form has its end; nothing is left at the end of the input.
    fn read(&mut self) -> Result<Option<String>, Problem> {
        let mut text = String::new();
        loop {
            let room = (MAX_BYTES + 1 - text.len()) as u64;
            let read = self.input.by_ref().take(room).read_line(&mut text);
            let read =
                read.map_err(|error| Problem::failed(format!("cannot read stdin: {error}")))?;
            if text.len() > MAX_BYTES {
                return Err(Problem::usage(format!("a form is longer than {MAX_BYTES} bytes"))
                    .hint("nothing of it ran"));
            }
            if is_command(&text) || !self.syntax.continues(&text) || read == 0 {
                return Ok((read > 0 || !text.trim().is_empty()).then_some(text));
            }
        }
    }
}

impl<R: BufRead> Iterator for Texts<R> {
    type Item = Result<String, Problem>;

    fn next(&mut self) -> Option<Result<String, Problem>> {
        while self.ready.is_empty() {
            match self.read() {
                Ok(Some(text)) if is_command(&text) => self.ready.push(text),
                Ok(Some(text)) => {
                    let forms = self.syntax.forms(&text).into_iter().rev();
                    self.ready.extend(forms.map(str::to_owned));
                }
                Ok(None) => return None,
                Err(problem) => return Some(Err(problem)),
            }
        }
        self.ready.pop().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, syntax: Syntax) -> Vec<String> {
        Texts::new(text.as_bytes(), syntax).map(Result::unwrap).collect()
    }

    #[test]
    fn forms_and_commands_are_told_apart() {
        let text = "(a\n  b) c\n\n; nothing\n:w zone=c\n:all\n\"d\ne\"";
        let expected = ["(a\n  b)", "c", ":w zone=c\n", ":all\n", "\"d\ne\""];
        assert_eq!(read(text, Syntax::Lisp), expected);
        assert_eq!(read("let a = 1;\nf({\n1})\n", Syntax::Braces), ["let a = 1;", "f({\n1})"]);
    }

    #[test]
    fn what_has_no_end_is_left_to_the_runtime() {
        assert_eq!(read("1\n(a", Syntax::Lisp), ["1", "(a"]);
        assert!(read("", Syntax::Lisp).is_empty());
    }

    #[test]
    fn a_form_without_end_is_bounded() {
        let text = format!("({}", "x ".repeat(MAX_BYTES));
        let found: Vec<_> = Texts::new(text.as_bytes(), Syntax::Lisp).take(1).collect();
        assert!(found[0].as_ref().unwrap_err().message.contains("longer than"));
    }

    proptest! {
        #[test]
        fn all_forms_come_in_order(words in prop::collection::vec("[a-c]{1,3}", 0..9), gaps in prop::collection::vec("[ \n]{1,2}", 9)) {
            let text: String = words.iter().zip(&gaps).map(|(word, gap)| format!("({word}){gap}")).collect();
            let expected: Vec<_> = words.iter().map(|word| format!("({word})")).collect();
            prop_assert_eq!(read(&text, Syntax::Lisp), expected);
        }
    }
}
