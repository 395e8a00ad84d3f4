//! One text that was entered, whether typed or read from a pipe.

use prepl_core::ExitCode;

use super::command::Typed;
use super::conversation::Conversation;
use super::obey::{Flow, obey};
use crate::console::Console;
use crate::problem::Problem;

/// Obeys a command, or evaluates an expression; what goes wrong is told, and the code tells it too.
pub async fn turn(
    text: &str,
    conversation: &mut Conversation,
    console: &mut Console,
) -> (Flow, ExitCode) {
    let done = match Typed::read(text) {
        Ok(Typed::Nothing) => Ok((Flow::On, ExitCode::Ok)),
        Ok(Typed::Expression) => {
            conversation.evaluate(text, console).await.map(|code| (Flow::On, code))
        }
        Ok(Typed::Command(command)) => {
            obey(command, conversation, console).await.map(|flow| (flow, ExitCode::Ok))
        }
        Err(problem) => Err(problem),
    };
    done.unwrap_or_else(|problem| (Flow::On, tell(&problem, console)))
}

fn tell(problem: &Problem, console: &Console) -> ExitCode {
    console.tell(&format!("{problem}\n"));
    problem.code
}
