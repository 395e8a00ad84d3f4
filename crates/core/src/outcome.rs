//! How an evaluation ended on one replica: six classes whose counts add up to the selection.

use std::fmt;
use std::sync::Arc;

/// Longest reason in characters; a hostile peer must not write our reports.
const MAX_REASON: usize = 400;

/// Why, in one sentence for a person; never a value or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(Arc<str>);

impl Reason {
    /// Makes a reason on one line, cut at 400 characters.
    pub fn new(text: impl AsRef<str>) -> Reason {
        let line = text.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c });
        Reason(line.take(MAX_REASON).collect::<String>().into())
    }

    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an evaluation ended on one replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A value came back.
    Ok,
    /// The expression threw, or did not compile.
    Raised,
    /// Policy, sidecar or runtime refused it; it did not run.
    Refused(Refusal),
    /// No connection, or no REPL behind the sidecar; it did not run.
    Unreachable(Reason),
    /// The run stopped before this replica's turn, or the replica went away before it.
    NotStarted(Reason),
    /// Sent, and no word of the end: it may have run.
    Unknown {
        /// What is known.
        reason: Reason,
        /// The evaluation may go on in the runtime.
        may_still_run: bool,
    },
}

/// Who refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The caller has no right to it.
    Denied(Reason),
    /// The runtime cannot read the expression; nothing of it ran.
    Unreadable(Reason),
    /// A limit, a full queue, a wrong replica or a runtime that cannot do it.
    Limit(Reason),
}

impl Refusal {
    /// Why.
    pub fn reason(&self) -> &Reason {
        let (Refusal::Denied(reason) | Refusal::Unreadable(reason) | Refusal::Limit(reason)) = self;
        reason
    }
}

/// The six classes, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// See [`Outcome::Ok`].
    Ok,
    /// See [`Outcome::Raised`].
    Raised,
    /// See [`Outcome::Refused`].
    Refused,
    /// See [`Outcome::Unreachable`].
    Unreachable,
    /// See [`Outcome::NotStarted`].
    NotStarted,
    /// See [`Outcome::Unknown`].
    Unknown,
}

impl Class {
    /// All six, in the order in which they are shown.
    pub const ALL: [Class; 6] = [
        Class::Ok,
        Class::Raised,
        Class::Refused,
        Class::Unreachable,
        Class::NotStarted,
        Class::Unknown,
    ];

    /// The class in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Ok => "ok",
            Class::Raised => "raised",
            Class::Refused => "refused",
            Class::Unreachable => "unreachable",
            Class::NotStarted => "not started",
            Class::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Outcome {
    /// An outcome of which nothing is known but why; the evaluation may go on.
    pub fn unknown(reason: impl AsRef<str>) -> Outcome {
        Outcome::Unknown { reason: Reason::new(reason), may_still_run: true }
    }

    /// Which of the six.
    pub fn class(&self) -> Class {
        match self {
            Outcome::Ok => Class::Ok,
            Outcome::Raised => Class::Raised,
            Outcome::Refused(_) => Class::Refused,
            Outcome::Unreachable(_) => Class::Unreachable,
            Outcome::NotStarted(_) => Class::NotStarted,
            Outcome::Unknown { .. } => Class::Unknown,
        }
    }

    /// Why, where the class alone does not tell.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Outcome::Ok | Outcome::Raised => None,
            Outcome::Refused(refusal) => Some(refusal.reason()),
            Outcome::Unreachable(reason) | Outcome::NotStarted(reason) => Some(reason),
            Outcome::Unknown { reason, .. } => Some(reason),
        }
    }
}

/// How many replicas ended in each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; 6]);

impl Counts {
    /// Counts one outcome.
    pub fn add(&mut self, class: Class) {
        self.0[class as usize] += 1;
    }

    /// The count of one class.
    pub fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// Counts that a peer told.
    pub fn of_classes(count: impl Fn(Class) -> u32) -> Counts {
        Counts(Class::ALL.map(count))
    }

    /// The sum of all six.
    pub fn total(&self) -> u32 {
        self.0.iter().copied().fold(0, u32::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let mut counts = Counts::default();
        Class::ALL.into_iter().chain([Class::Ok]).for_each(|class| counts.add(class));
        assert_eq!((counts.total(), counts.of(Class::Ok), counts.of(Class::Unknown)), (7, 2, 1));
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let reason = Reason::new("a\nb\x1b[31m".to_owned() + &"x".repeat(1000));
        assert!(reason.as_str().starts_with("a b [31m"));
        assert_eq!(reason.as_str().chars().count(), MAX_REASON);
    }
}
