//! Why an evaluation gave no value.

use std::fmt;
use std::time::Duration;

use rhai::{EvalAltResult, ParseErrorType};
use thiserror::Error;

use crate::bounded::cut;
use crate::turn::End;
use crate::{Bounds, Value};

/// A message longer than this says nothing more.
const MESSAGE_BYTES: usize = 4 << 10;

/// Why an evaluation gave no value.
///
/// It is an answer to the one who asked and may repeat their values: keep it out
/// of logs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The text is no Rhai; nothing of it was evaluated.
    #[error("line {line}, column {column}: {message}{}", advice(*.incomplete))]
    Unreadable {
        /// What Rhai expected.
        message: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// Whether more text could make it whole.
        incomplete: bool,
    },
    /// The script threw, or did what cannot be done.
    #[error("{}{message}", place(*.line))]
    Threw {
        /// What went wrong.
        message: String,
        /// From 1, where Rhai knows it.
        line: Option<usize>,
        /// What `throw` was given, when the script threw it itself.
        value: Option<Value>,
    },
    /// A limit was reached.
    #[error("the script reached the limit of {0}; ask for less at a time")]
    TooMuch(Bound),
    /// The wall time ran out.
    #[error("the script ran longer than {0:?} and was ended; ask for less at a time")]
    TimedOut(Duration),
    /// Somebody stopped it.
    #[error("the script was stopped before it ended")]
    Stopped,
    /// The engine itself failed.
    #[error("the engine broke on this script; what it had changed so far is kept")]
    Broke,
    /// Too many scripts run, or the system gave no thread; nothing was evaluated.
    #[error("no thread is free to run the script on; try again later")]
    NoThread,
}

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Steps of the engine.
    Operations,
    /// Bytes of the text to evaluate.
    Text,
    /// Levels of nesting in the text.
    ExpressionDepth,
    /// Levels of calls.
    CallLevels,
    /// Variables.
    Variables,
    /// Functions.
    Functions,
    /// Bytes or elements of one value.
    ValueSize,
    /// Memory of the process.
    Memory,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operations => "operations",
            Self::Text => "text length",
            Self::ExpressionDepth => "expression depth",
            Self::CallLevels => "call levels",
            Self::Variables => "variables",
            Self::Functions => "functions",
            Self::ValueSize => "the size of one value",
            Self::Memory => "memory",
        })
    }
}

impl Fault {
    /// Sorts what Rhai reports while a script runs.
    pub(crate) fn from_run(mut error: EvalAltResult, bounds: &Bounds) -> Self {
        while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = error {
            error = *inner;
        }
        match &error {
            EvalAltResult::ErrorTooManyOperations(_) => Self::TooMuch(Bound::Operations),
            EvalAltResult::ErrorTooManyVariables(_) => Self::TooMuch(Bound::Variables),
            EvalAltResult::ErrorStackOverflow(_) => Self::TooMuch(Bound::CallLevels),
            EvalAltResult::ErrorDataTooLarge(..) => Self::TooMuch(Bound::ValueSize),
            EvalAltResult::ErrorTerminated(token, _) => match End::from_token(token) {
                Some(End::TimedOut) => Self::TimedOut(bounds.wall),
                Some(End::OutOfMemory) => Self::TooMuch(Bound::Memory),
                Some(End::Stopped) | None => Self::Stopped,
            },
            _ => Self::threw(error, bounds),
        }
    }

    fn threw(mut error: EvalAltResult, bounds: &Bounds) -> Self {
        let line = error.take_position().line();
        if let EvalAltResult::ErrorRuntime(thrown, _) = &error {
            let value = Value::print(thrown, bounds.value_bytes);
            let message = match thrown.as_immutable_string_ref() {
                Ok(text) => cut(&text, MESSAGE_BYTES).to_owned(),
                Err(_) => format!("thrown: {}", cut(&value.text, MESSAGE_BYTES)),
            };
            return Self::Threw { message, line, value: Some(value) };
        }
        let message = cut(&error.to_string(), MESSAGE_BYTES).to_owned();
        Self::Threw { message, line, value: None }
    }

    /// The limit a parse error stands for, if it is one.
    pub(crate) fn bound_of(kind: &ParseErrorType) -> Option<Bound> {
        match kind {
            ParseErrorType::ExprTooDeep => Some(Bound::ExpressionDepth),
            ParseErrorType::TooManyFunctions => Some(Bound::Functions),
            ParseErrorType::LiteralTooLarge(..) => Some(Bound::ValueSize),
            _ => None,
        }
    }
}

fn advice(incomplete: bool) -> &'static str {
    if incomplete { "; the text ends too early, add the rest" } else { "" }
}

fn place(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}
