//! Where an access request stands, to the people who have to do with it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use prepl_crd::{AccessRequest, Phase};
use prepl_gateway::approval;

use crate::cluster::requests::Seen;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// The controller has not looked at it.
    New,
    /// It can be approved and used.
    Open,
    /// Somebody denied it, or it was refused.
    Denied,
    /// Its time is over.
    Over,
    /// A use of break-glass that nobody has looked at.
    ReviewOwed,
}

impl Stand {
    /// That of a request.
    pub fn of(request: &AccessRequest, now: Timestamp) -> Stand {
        let status = request.status.as_ref();
        let lasts = status.and_then(|one| one.not_after.as_ref()).is_some_and(|end| end.0 > now);
        let deleted = request.metadata.deletion_timestamp.is_some();
        match status.and_then(|one| one.phase) {
            Some(Phase::Active) if lasts && !deleted => Stand::Open,
            _ if request.owes_review() => Stand::ReviewOwed,
            Some(Phase::Denied) => Stand::Denied,
            Some(Phase::Active | Phase::Expired) => Stand::Over,
            None | Some(Phase::Pending) => Stand::New,
        }
    }

    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stand::New => "new",
            Stand::Open => "open",
            Stand::Denied => "denied",
            Stand::Over => "over",
            Stand::ReviewOwed => "review owed",
        }
    }
}

/// How many people's approvals there are, as far as no policy says otherwise.
pub fn given(seen: &Seen, now: Timestamp) -> u32 {
    let Some(subject) = seen.request.subject() else { return 0 };
    let said: Vec<_> = seen.said.iter().map(|one| one.said(now)).collect();
    let counted = approval::count(&seen.request.spec.user.person(), &subject, &said);
    counted.within(Duration::MAX, true).0
}

/// How long ago something was made, in the largest unit: `12s`, `4m`, `2h`, `3d`.
pub fn age(made: Option<Timestamp>, now: Timestamp) -> String {
    let seconds = made.map_or(0, |made| now.as_second().saturating_sub(made.as_second()).max(0));
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::list::tests::request;
    use serde_json::{Value, json};

    fn stand(change: impl FnOnce(&mut Value)) -> Stand {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Stand::of(&request(change), now)
    }

    #[test]
    fn a_request_is_open_until_its_end() {
        assert_eq!(stand(|_| {}), Stand::Open);
        let over = |one: &mut Value| one["status"]["notAfter"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(stand(over), Stand::Over);
        assert_eq!(stand(|one| one["status"] = Value::Null), Stand::New);
        assert_eq!(stand(|one| one["status"]["phase"] = json!("Denied")), Stand::Denied);
    }

    #[test]
    fn a_review_is_owed_once_break_glass_is_over() {
        let owing = |phase: &'static str| {
            move |one: &mut Value| {
                one["metadata"]["finalizers"] = json!(["prepl.dev/review"]);
                one["status"]["phase"] = json!(phase);
            }
        };
        assert_eq!(stand(owing("Active")), Stand::Open);
        assert_eq!(stand(owing("Expired")), Stand::ReviewOwed);
        let deleted = |one: &mut Value| {
            owing("Active")(one);
            one["metadata"]["deletionTimestamp"] = json!("2025-12-31T23:59:59Z");
        };
        assert_eq!(stand(deleted), Stand::ReviewOwed);
    }

    #[test]
    fn ages_are_short() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let age = |seconds| age(Timestamp::from_second(1_000_000 - seconds).ok(), now);
        let ages = [0_i64, 59, 60, 3599, 3600, 90_000, -5].map(age);
        assert_eq!(ages, ["0s", "59s", "1m", "59m", "1h", "1d", "0s"]);
    }
}
