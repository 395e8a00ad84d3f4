//! The six classes.

use prepl_core::{Outcome, Reason, Refusal};

use super::BadMessage;
use crate::v1::{self, done::Outcome as Wire, refused::Kind};

impl From<Outcome> for Wire {
    fn from(outcome: Outcome) -> Self {
        let text = |reason: Reason| reason.as_str().to_owned();
        match outcome {
            Outcome::Ok => Wire::Ok(v1::Ok {}),
            Outcome::Raised => Wire::Raised(v1::EvalRaised {}),
            Outcome::Refused(refusal) => Wire::Refused(refusal.into()),
            Outcome::Unreachable(reason) => {
                Wire::Unreachable(v1::Unreachable { reason: text(reason) })
            }
            Outcome::NotStarted(reason) => {
                Wire::NotStarted(v1::NotStarted { reason: text(reason) })
            }
            Outcome::Unknown { reason, may_still_run } => {
                Wire::Unknown(v1::Unknown { reason: text(reason), may_still_run })
            }
        }
    }
}

impl TryFrom<Wire> for Outcome {
    type Error = BadMessage;

    fn try_from(wire: Wire) -> Result<Self, BadMessage> {
        Ok(match wire {
            Wire::Ok(_) => Outcome::Ok,
            Wire::Raised(_) => Outcome::Raised,
            Wire::Refused(refused) => Outcome::Refused(refused.try_into()?),
            Wire::Unreachable(wire) => Outcome::Unreachable(Reason::new(wire.reason)),
            Wire::NotStarted(wire) => Outcome::NotStarted(Reason::new(wire.reason)),
            Wire::Unknown(v1::Unknown { reason, may_still_run }) => {
                Outcome::Unknown { reason: Reason::new(reason), may_still_run }
            }
        })
    }
}

impl From<Refusal> for v1::Refused {
    fn from(refusal: Refusal) -> Self {
        let kind = match &refusal {
            Refusal::Denied(_) => Kind::Denied,
            Refusal::Unreadable(_) => Kind::Unreadable,
            Refusal::Limit(_) => Kind::Limit,
        };
        v1::Refused { kind: kind.into(), reason: refusal.reason().as_str().to_owned() }
    }
}

impl TryFrom<v1::Refused> for Refusal {
    type Error = BadMessage;

    fn try_from(wire: v1::Refused) -> Result<Self, BadMessage> {
        let kind = wire.kind();
        let reason = Reason::new(wire.reason);
        match kind {
            Kind::Denied => Ok(Refusal::Denied(reason)),
            Kind::Unreadable => Ok(Refusal::Unreadable(reason)),
            Kind::Limit => Ok(Refusal::Limit(reason)),
            Kind::Unspecified => Err(BadMessage("refusal")),
        }
    }
}
