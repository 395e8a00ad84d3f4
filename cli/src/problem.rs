//! What stops a command before anything ran: one line, an optional hint, an exit code.

use std::fmt;

use prepl_core::ExitCode;

use crate::render::safe::{self, Layout};

/// Why a command could not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the process ends with.
    pub code: ExitCode,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Problem {
    /// The caller wrote something that cannot be understood.
    pub fn usage(message: impl fmt::Display) -> Problem {
        Problem::new(ExitCode::Usage, message)
    }

    /// prepl itself failed; nothing ran.
    pub fn failed(message: impl fmt::Display) -> Problem {
        Problem::new(ExitCode::Failed, message)
    }

    /// No replica matched.
    pub fn nothing_matched(message: impl fmt::Display) -> Problem {
        Problem::new(ExitCode::NothingMatched, message)
    }

    /// The caller has no right to what he asks; nothing was sent.
    pub fn denied(message: impl fmt::Display) -> Problem {
        Problem::new(ExitCode::Denied, message)
    }

    /// The user interrupted it.
    pub fn interrupted(message: impl fmt::Display) -> Problem {
        Problem::new(ExitCode::Interrupted, message)
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl fmt::Display) -> Problem {
        self.hint = Some(hint.to_string());
        self
    }

    /// An error with its causes, each told once, also where a message holds its cause already.
    pub fn of(error: &dyn std::error::Error) -> Problem {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let message = causes.fold(error.to_string(), |text, cause| {
            let cause = cause.to_string();
            if text.contains(&cause) { text } else { format!("{text}: {cause}") }
        });
        Problem::failed(message)
    }

    fn new(code: ExitCode, message: impl fmt::Display) -> Problem {
        Problem { code, message: message.to_string(), hint: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", safe::text(&self.message, Layout::Line))?;
        let hint = self.hint.as_ref();
        hint.map_or(Ok(()), |hint| write!(f, "\nhint: {}", safe::text(hint, Layout::Line)))
    }
}

impl std::error::Error for Problem {}

impl From<clap::Error> for Problem {
    /// Folds clap's paragraphs into one line and a hint.
    fn from(error: clap::Error) -> Problem {
        let rendered = error.render().to_string();
        let mut paragraphs = rendered.split("\n\n");
        let message = one_line(paragraphs.next().unwrap_or_default());
        let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
        let tip = paragraphs.map(one_line).find_map(|p| Some(p.strip_prefix("tip: ")?.to_owned()));
        Problem::usage(message).hint(tip.unwrap_or_else(|| "--help shows how to use it".to_owned()))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_and_a_hint() {
        let problem = Problem::usage("no\nreplica\x1b[2J").hint("try -A");
        assert_eq!(problem.to_string(), "error: no\\nreplica\\x1b[2J\nhint: try -A");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the fleet")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn causes_are_told_once_each() {
        let problem = Problem::of(&Outer(std::fmt::Error));
        assert_eq!(problem.message, format!("cannot read the fleet: {}", std::fmt::Error));
    }
}
