//! What a rule of a policy says to a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::Reason;

/// One rule of one policy, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name of the policy.
    pub policy: Arc<str>,
    /// What it is about, in a word or two.
    pub rule: Arc<str>,
    /// What it says.
    pub ruling: Ruling,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing against it.
    Pass,
    /// It may be done with less: from what was asked to what is given.
    Lowered(Amount, Amount),
    /// No; a sentence with what to do.
    Fail(Reason),
    /// Not before more people approve.
    Owed(Owed),
    /// It cannot be told before the expression is known.
    Open,
}

/// Approvals that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// How many.
    pub missing: u32,
    /// Why some that were given do not count; a sentence each.
    pub uncounted: Vec<Reason>,
}

/// How much of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A time.
    Time(Duration),
    /// Bytes.
    Bytes(u32),
}

impl Ruling {
    /// Whether what was asked may be done, as far as this rule goes.
    #[must_use]
    pub fn allows(&self) -> bool {
        matches!(self, Ruling::Pass | Ruling::Lowered(..))
    }

    /// Whether it is denied whatever the expression is.
    #[must_use]
    pub fn denies(&self) -> bool {
        matches!(self, Ruling::Fail(_) | Ruling::Owed(_))
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ruling::Pass => f.write_str("pass"),
            Ruling::Lowered(from, to) => write!(f, "lowered from {from} to {to}"),
            Ruling::Fail(sentence) => sentence.fmt(f),
            Ruling::Owed(owed) => owed.fmt(f),
            Ruling::Open => f.write_str("it depends on the expression"),
        }
    }
}

impl fmt::Display for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missing {
            1 => f.write_str("1 approval of another person is missing")?,
            count => write!(f, "{count} approvals of other people are missing")?,
        }
        self.uncounted.iter().try_for_each(|why| write!(f, "; {why}"))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Time(time) => write!(f, "{time:?}"),
            Amount::Bytes(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}
