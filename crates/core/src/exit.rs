//! The verdict of a run as an exit code of the command line.

use crate::outcome::{Class, Counts};
use crate::report::{Stopped, Summary};

/// Exit codes of `prepl`; the numbers are a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// All ok and every expectation held.
    Ok = 0,
    /// prepl itself failed before anything ran.
    Failed = 1,
    /// Usage, or the expression cannot be read.
    Usage = 2,
    /// Nothing matched.
    NothingMatched = 3,
    /// Denied.
    Denied = 4,
    /// All that ran raised.
    AllRaised = 5,
    /// Some raised.
    SomeRaised = 6,
    /// Some unreachable or refused.
    Unreachable = 7,
    /// The outcome is unknown on at least one replica.
    Unknown = 8,
    /// All ok, but answers differ or an expectation failed.
    Differs = 9,
    /// Nothing ran yet: others have to approve it first.
    Waiting = 11,
    /// The deadline of the run passed.
    Deadline = 124,
    /// Interrupted.
    Interrupted = 130,
}

/// What of a run decides its exit code, besides the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Refusals because the caller has no right.
    pub denied: u32,
    /// Refusals because the expression cannot be read.
    pub unreadable: u32,
    /// An expectation of the caller failed (`--expect-same`).
    pub expectation_failed: bool,
}

impl ExitCode {
    /// Decides the code; when several apply: 130, 124, 8, 7, 5, 6, 9.
    ///
    /// A run whose right was taken away is 4, as one that never had it.
    /// A run that no replica began because all refused it alike is 4 (denied) or 2 (unreadable).
    pub fn of(summary: &Summary, findings: Findings) -> ExitCode {
        let counts = &summary.counts;
        match summary.stopped {
            Some(Stopped::Interrupted) => ExitCode::Interrupted,
            Some(Stopped::Deadline) => ExitCode::Deadline,
            Some(Stopped::Revoked) => ExitCode::Denied,
            None if counts.total() == 0 => ExitCode::NothingMatched,
            None if findings.denied == counts.total() => ExitCode::Denied,
            None if findings.unreadable == counts.total() => ExitCode::Usage,
            None => ExitCode::of_counts(counts, findings),
        }
    }

    fn of_counts(counts: &Counts, findings: Findings) -> ExitCode {
        let unreached = [Class::Refused, Class::Unreachable, Class::NotStarted];
        let unreached: u32 = unreached.into_iter().map(|class| counts.of(class)).sum();
        match (counts.of(Class::Unknown), unreached, counts.of(Class::Raised)) {
            (1.., _, _) => ExitCode::Unknown,
            (0, 1.., _) => ExitCode::Unreachable,
            (0, 0, 1..) if counts.of(Class::Ok) == 0 => ExitCode::AllRaised,
            (0, 0, 1..) => ExitCode::SomeRaised,
            (0, 0, 0) if findings.expectation_failed => ExitCode::Differs,
            (0, 0, 0) => ExitCode::Ok,
        }
    }

    /// The number the process ends with.
    pub fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn code(classes: &[(Class, u32)], findings: Findings, stopped: Option<Stopped>) -> u8 {
        let mut counts = Counts::default();
        for (class, times) in classes {
            (0..*times).for_each(|_| counts.add(*class));
        }
        let summary = Summary { counts, skew: None, elapsed: Duration::ZERO, stopped };
        ExitCode::of(&summary, findings).number()
    }

    #[test]
    fn each_class_has_its_code_and_the_worst_wins() {
        use Class::{NotStarted, Ok, Raised, Refused, Unknown, Unreachable};
        let plain = |classes: &[(Class, u32)]| code(classes, Findings::default(), None);
        assert_eq!(plain(&[]), 3);
        assert_eq!(plain(&[(Ok, 3)]), 0);
        assert_eq!(plain(&[(Raised, 3)]), 5);
        assert_eq!(plain(&[(Raised, 1), (Ok, 2)]), 6);
        assert_eq!(plain(&[(Unreachable, 1), (Raised, 1), (Ok, 1)]), 7);
        assert_eq!(plain(&[(Refused, 1), (Ok, 1)]), 7);
        assert_eq!(plain(&[(NotStarted, 1), (Ok, 1)]), 7);
        assert_eq!(plain(&[(Unknown, 1), (Unreachable, 4), (Raised, 1), (Ok, 9)]), 8);
    }

    #[test]
    fn what_all_refused_alike_has_the_code_of_the_refusal() {
        let all = |denied, unreadable| Findings { denied, unreadable, ..Findings::default() };
        assert_eq!(code(&[(Class::Refused, 3)], all(3, 0), None), 4);
        assert_eq!(code(&[(Class::Refused, 3)], all(0, 3), None), 2);
        assert_eq!(code(&[(Class::Refused, 3)], all(2, 0), None), 7);
    }

    #[test]
    fn a_stopped_run_says_so_before_anything_else() {
        let unknown = [(Class::Unknown, 1)];
        let stop = |stopped| code(&unknown, Findings::default(), Some(stopped));
        assert_eq!(stop(Stopped::Interrupted), 130);
        assert_eq!(stop(Stopped::Deadline), 124);
        assert_eq!(stop(Stopped::Revoked), 4);
    }

    #[test]
    fn a_failed_expectation_counts_only_when_all_are_ok() {
        let failed = Findings { expectation_failed: true, ..Findings::default() };
        assert_eq!(code(&[(Class::Ok, 2)], failed, None), 9);
        assert_eq!(code(&[(Class::Ok, 2), (Class::Raised, 1)], failed, None), 6);
    }
}
