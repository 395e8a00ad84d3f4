//! What is asked: one text in the runtime's own language.

use std::fmt;
use std::sync::Arc;

/// Largest expression in bytes; larger data belongs into the app, not into a REPL.
pub const MAX_BYTES: usize = 1 << 20;

/// A text of one or more forms: not blank, at most [`MAX_BYTES`], no NUL.
///
/// `Debug` shows its size alone, so that no expression reaches a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Expression(Arc<str>);

/// A text that cannot be an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadExpression {
    /// Nothing but white space.
    #[error("the expression is empty; give it as an argument, with -e, -f FILE or - for stdin")]
    Blank,
    /// Larger than [`MAX_BYTES`].
    #[error("the expression has {0} bytes; the limit is {MAX_BYTES}")]
    TooLong(usize),
    /// Has a NUL character, which no runtime reads.
    #[error("the expression contains a NUL character; remove it")]
    Nul,
}

impl Expression {
    /// Checks a text.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Expression, BadExpression> {
        let text = text.into();
        if text.len() > MAX_BYTES {
            return Err(BadExpression::TooLong(text.len()));
        }
        if text.trim().is_empty() {
            return Err(BadExpression::Blank);
        }
        if text.contains('\0') {
            return Err(BadExpression::Nul);
        }
        Ok(Expression(text))
    }

    /// The text to evaluate.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_long_and_nul_texts_are_refused() {
        assert_eq!(Expression::new(" \n\t"), Err(BadExpression::Blank));
        assert_eq!(Expression::new("a\0"), Err(BadExpression::Nul));
        let long = "x".repeat(MAX_BYTES + 1);
        assert_eq!(Expression::new(long), Err(BadExpression::TooLong(MAX_BYTES + 1)));
        assert!(Expression::new("x".repeat(MAX_BYTES)).is_ok());
    }

    #[test]
    fn debug_output_never_shows_the_text() {
        let expression = Expression::new("(login \"hunter2\")").unwrap();
        assert_eq!(format!("{expression:?}"), "Expression(17 bytes)");
    }
}
