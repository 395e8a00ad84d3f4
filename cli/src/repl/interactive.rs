//! The prompt on a terminal.

use std::pin::pin;
use std::time::Duration;

use prepl_core::ExitCode;
use rustyline::completion::Pair;
use tokio::time::sleep;

use super::conversation::Conversation;
use super::editor::{Editor, Entered, Event, Question};
use super::obey::Flow;
use super::turn::turn;
use super::{history, syntax::Syntax};
use crate::console::Console;
use crate::problem::Problem;
use crate::tooling::complete::{Candidate, Completions};

/// Time between two looks at who is there.
const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// Asks for one text after the other until the user leaves.
pub async fn converse(
    conversation: &mut Conversation,
    syntax: Syntax,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let kept = history::place(&conversation.members.fleet());
    let mut editor = Editor::open(console, syntax, kept)?;
    loop {
        editor.read(conversation.prompt(console.out_colour));
        let text = match entered(conversation, &mut editor, console).await {
            Entered::Text(text) => text,
            Entered::Cleared => continue,
            Entered::End => return Ok(ExitCode::Ok),
        };
        if turn(&text, conversation, console).await.0 == Flow::Leave {
            return Ok(ExitCode::Ok);
        }
        console.written()?;
    }
}

/// Waits for what is entered; meanwhile completes words, and tells who comes and goes.
async fn entered(conversation: &Conversation, editor: &mut Editor, console: &Console) -> Entered {
    let look = || async {
        sleep(LOOK_PAUSE).await;
        conversation.look(console.out_colour).await
    };
    let mut looking = pin!(look());
    loop {
        tokio::select! {
            event = editor.next() => match event {
                Event::Entered(entered) => return entered,
                Event::Complete(question) => complete(conversation, question).await,
            },
            changed = &mut looking => {
                if !changed.is_empty() {
                    editor.print(changed);
                }
                looking.set(look());
            }
        }
    }
}

async fn complete(conversation: &Conversation, Question { prefix, reply }: Question) {
    let found = conversation.complete(&prefix).await;
    // Who asked may have given up.
    let _ = reply.send(pairs(&found));
}

/// What is not known everywhere is marked with the count.
fn pairs(found: &Completions) -> Vec<Pair> {
    let pair = |Candidate { text, replicas, .. }: &Candidate| {
        let display = match *replicas < found.replicas {
            true => format!("{text} ({replicas} of {})", found.replicas),
            false => text.clone(),
        };
        Pair { display, replacement: text.clone() }
    };
    found.candidates.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tooling::complete::Kind;

    #[test]
    fn what_some_replicas_do_not_know_is_marked() {
        let candidate = |text: &str, replicas| Candidate {
            text: text.to_owned(),
            kind: Kind::Function,
            replicas,
        };
        let candidates = vec![candidate("map", 3), candidate("mapz", 1)];
        let pairs = pairs(&Completions { candidates, replicas: 3 });
        let shown: Vec<_> = pairs.iter().map(|pair| &*pair.display).collect();
        assert_eq!(shown, ["map", "mapz (1 of 3)"]);
        assert_eq!(pairs[1].replacement, "mapz");
    }
}
