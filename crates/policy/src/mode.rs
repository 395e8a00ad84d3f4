//! What somebody wants to do with replicas.

use std::fmt;

use serde::Deserialize;

/// What is asked for, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Look: list and describe replicas. No policy is about it.
    Inspect,
    /// Evaluate.
    Eval,
    /// Speak to a REPL through a tunnel, where no limit holds.
    Attach,
}

impl Mode {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Inspect => "inspect",
            Mode::Eval => "eval",
            Mode::Attach => "attach",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
