//! Moments of wall-clock time, in milliseconds, as records tell them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A moment in UTC, in milliseconds since 1970, shown as RFC 3339: `2026-03-01T09:30:00.125Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Moment(u64);

/// The last millisecond of the year 9999, the last that RFC 3339 can write.
const LAST: u64 = 253_402_300_799_999;
const DAY: u64 = 86_400_000;

/// What tells the time; tests have their own.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// A text that is not a moment as records tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as 2026-03-01T09:30:00.125Z")]
pub struct BadMoment;

impl Moment {
    /// The moment so many milliseconds after 1970 began, at most the end of 9999.
    #[must_use]
    pub fn from_millis(millis: u64) -> Moment {
        Moment(millis.min(LAST))
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// Now, as the machine's clock has it.
    #[must_use]
    pub fn now() -> Moment {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Moment::from_millis(u64::try_from(since.as_millis()).unwrap_or(LAST))
    }

    /// The time from an earlier moment to this one; zero when the clock went back.
    #[must_use]
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0 / DAY);
        let (seconds, millis) = (self.0 % DAY / 1000, self.0 % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl FromStr for Moment {
    type Err = BadMoment;

    fn from_str(text: &str) -> Result<Moment, BadMoment> {
        let part = |from: usize, to: usize| {
            let digits = text.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or(BadMoment)
        };
        let days = days((part(0, 4)?, part(5, 7)?, part(8, 10)?)).ok_or(BadMoment)?;
        let seconds = part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)?;
        let moment = Moment::from_millis(days * DAY + seconds * 1000 + part(20, 23)?);
        // Writing it again catches every other sign, the 31st of June and the 25th hour.
        (moment.to_string() == text).then_some(moment).ok_or(BadMoment)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = BadMoment;

    fn try_from(text: String) -> Result<Moment, BadMoment> {
        text.parse()
    }
}

/// Days since 1970 to year, month and day: 400 years of the Gregorian calendar have 146,097 days,
/// and a year that begins in March has its leap day at the end.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

fn days((year, month, day): (u64, u64, u64)) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (year / 400, year % 400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_survive_their_text(millis in 0..=LAST) {
            let moment = Moment::from_millis(millis);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }

        #[test]
        fn no_text_is_too_strange_to_refuse(text: String) {
            let _ = text.parse::<Moment>();
        }
    }

    #[test]
    fn known_moments_are_shown_as_the_calendar_has_them() {
        let shown = |millis| Moment::from_millis(millis).to_string();
        assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(shown(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(shown(1_704_067_199_999), "2023-12-31T23:59:59.999Z");
        assert_eq!(shown(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn days_that_are_not_are_refused() {
        for text in [
            "2026-02-29T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01 00:00:00.000Z",
            "1969-12-31T23:59:59.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T00:00:00.000+",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(BadMoment), "{text}");
        }
    }
}
