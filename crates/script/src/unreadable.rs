//! Sorts what Rhai reports about a text it cannot read.

use rhai::{LexError, ParseError, ParseErrorType, Position};

use crate::Fault;

/// Returns the fault for a text that does not parse.
pub(crate) fn unreadable(text: &str, error: &ParseError) -> Fault {
    let (kind, position) = (error.err_type(), error.position());
    if let Some(bound) = Fault::bound_of(kind) {
        return Fault::TooMuch(bound);
    }
    Fault::Unreadable {
        message: kind.to_string(),
        line: position.line().unwrap_or(1),
        column: position.position().unwrap_or(1),
        incomplete: ends_too_early(text, kind, position),
    }
}

fn ends_too_early(text: &str, kind: &ParseErrorType, position: Position) -> bool {
    match kind {
        ParseErrorType::UnexpectedEOF => true,
        // A quoted string ends with its line; only a back-quoted one goes on. Rhai points
        // at the quote, or within a back-quoted one at what follows the last `${}`.
        ParseErrorType::BadInput(LexError::UnterminatedString) => {
            letter_at(text, position) != Some('"')
        }
        // What is wrong is the end itself, so more text can mend it.
        _ => position == end_of(text),
    }
}

fn letter_at(text: &str, position: Position) -> Option<char> {
    let line = text.split('\n').nth(position.line()?.checked_sub(1)?)?;
    line.chars().nth(position.position()?.checked_sub(1)?)
}

fn end_of(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let line = u16::try_from(text.matches('\n').count() + 1).unwrap_or(u16::MAX);
    let column = u16::try_from(last.chars().count() + 1).unwrap_or(u16::MAX);
    Position::new(line, column)
}
