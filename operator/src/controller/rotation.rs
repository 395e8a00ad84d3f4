//! How one authority follows another: announced, then signing, then alone. A pure decision.
//!
//! | state | signs | is trusted |
//! | --- | --- | --- |
//! | settled | the authority | it |
//! | announced | the authority | it and its successor |
//! | switched | the former successor | it and its predecessor |
//!
//! Members learn whom to trust with each new certificate. So a successor signs only when every
//! member has a certificate that is younger than its announcement, and its predecessor is trusted
//! until the last certificate that it signed is over.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// The longest access: the schema of `AccessRequest` allows eight hours.
const LONGEST_ACCESS: Duration = Duration::from_secs(8 * 60 * 60);
/// What a controller may lag behind another, and what clocks may differ.
const SLACK: Duration = Duration::from_secs(30);
/// So long before its end an authority is replaced by itself: a year.
const BEFORE_END: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where a change of authority stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There is one authority.
    Settled {
        /// When it ends.
        end: Timestamp,
        /// Somebody asked for another one.
        asked: bool,
    },
    /// Its successor is trusted since then.
    Announced(Timestamp),
    /// Its successor signs.
    Switched {
        /// Since then.
        since: Timestamp,
        /// Somebody asked for another one again: a key may be known to strangers.
        asked: bool,
    },
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Make a successor, and let it be trusted.
    Announce,
    /// Let the successor sign.
    Switch,
    /// Trust the predecessor no more.
    Retire,
}

/// Decides; `lifetime` is that of members' certificates.
#[must_use]
pub fn next_step(stage: Stage, lifetime: Duration, now: Timestamp) -> Step {
    let passed = |since: Timestamp, time: Duration| seconds(now) >= seconds(since) + whole(time);
    match stage {
        Stage::Settled { asked: true, .. } | Stage::Switched { asked: true, .. } => Step::Announce,
        Stage::Settled { end, .. } if seconds(end) <= seconds(now) + whole(BEFORE_END) => {
            Step::Announce
        }
        Stage::Announced(since) if passed(since, lifetime + SLACK) => Step::Switch,
        Stage::Switched { since, .. } if passed(since, lifetime.max(LONGEST_ACCESS) + SLACK) => {
            Step::Retire
        }
        Stage::Settled { .. } | Stage::Announced(_) | Stage::Switched { .. } => Step::Wait,
    }
}

fn seconds(time: Timestamp) -> i128 {
    time.as_second().into()
}

fn whole(time: Duration) -> i128 {
    time.as_secs().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn switched(since: i64, asked: bool) -> Stage {
        Stage::Switched { since: at(since), asked }
    }

    fn step(stage: Stage, now: i64) -> Step {
        next_step(stage, HOUR, at(now))
    }

    #[test]
    fn an_authority_is_replaced_when_asked_for_and_a_year_before_its_end() {
        let settled = |end, asked| Stage::Settled { end: at(end), asked };
        let year = 365 * 24 * 3600;
        assert_eq!(step(settled(year + 1, false), 0), Step::Wait);
        assert_eq!(step(settled(year, false), 0), Step::Announce);
        assert_eq!(step(settled(10 * year, true), 0), Step::Announce);
    }

    #[test]
    fn a_successor_signs_when_all_members_trust_it() {
        assert_eq!(step(Stage::Announced(at(0)), 3629), Step::Wait);
        assert_eq!(step(Stage::Announced(at(0)), 3630), Step::Switch);
    }

    #[test]
    fn a_predecessor_is_trusted_until_the_last_that_it_signed_is_over() {
        assert_eq!(step(switched(0, false), 8 * 3600 + 29), Step::Wait);
        assert_eq!(step(switched(0, false), 8 * 3600 + 30), Step::Retire);
        assert_eq!(step(switched(0, true), 1), Step::Announce);
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(next_step(switched(0, false), day, at(8 * 3600 + 60)), Step::Wait);
    }

    #[test]
    fn a_clock_that_goes_back_does_nothing() {
        assert_eq!(step(Stage::Announced(at(10_000)), 0), Step::Wait);
        assert_eq!(step(switched(1_000_000, false), 0), Step::Wait);
    }
}
