//! A request to be judged and its verdicts as messages, and back.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Expression, Reason, Selection};
use prepl_policy::{Amount, Grounds, Judged, Mode, Owed, Request, Rule, Ruling};
use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use prepl_proto::v1::judge_request::Mode as WireMode;
use prepl_proto::v1::lowered::Unit;
use prepl_proto::v1::verdict::Ruling as Wire;

use super::wire;

/// Far more rules than all policies of one selection can have.
const MAX_RULES: usize = 4096;
/// More reasons than a gateway gives of one rule.
const MAX_UNCOUNTED: usize = 16;

/// A request over a selection on its way to a gateway.
pub fn judge_request(selection: &Selection, request: &Request) -> v1::JudgeRequest {
    let mode = match request.mode {
        Mode::Inspect => WireMode::Unspecified,
        Mode::Eval => WireMode::Eval,
        Mode::Attach => WireMode::Attach,
    };
    let expression = request.expression.as_ref().map(Expression::as_str);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    v1::JudgeRequest {
        uids: selection.replicas().iter().map(|replica| replica.id.uid.to_string()).collect(),
        mode: mode.into(),
        expression: text(expression),
        read_only: request.read_only,
        limits: Some(request.limits.into()),
        reason: text(request.grounds.reason()),
        ticket: text(request.grounds.ticket()),
    }
}

/// The UIDs of a selection and the request about it, checked.
pub fn request(wire: v1::JudgeRequest) -> Result<(Vec<Arc<str>>, Request), BadMessage> {
    let mode = match wire.mode() {
        WireMode::Eval => Mode::Eval,
        WireMode::Attach => Mode::Attach,
        WireMode::Unspecified => return Err(BadMessage("mode")),
    };
    let expression = (!wire.expression.is_empty()).then(|| Expression::new(wire.expression));
    let request = Request {
        mode,
        limits: wire.limits.ok_or(BadMessage("limits"))?.try_into()?,
        expression: expression.transpose().map_err(|_| BadMessage("expression"))?,
        read_only: wire.read_only,
        grounds: grounds(&wire.reason, &wire.ticket)?,
    };
    Ok((wire::uids(wire.uids)?, request))
}

/// Checks a reason and a ticket.
pub fn grounds(reason: &str, ticket: &str) -> Result<Grounds, BadMessage> {
    Grounds::new(reason, ticket).map_err(|_| BadMessage("reason or ticket"))
}

/// Verdicts on their way to whoever asked.
pub fn judge_reply(judged: &Judged, gone: usize) -> v1::JudgeReply {
    v1::JudgeReply {
        verdicts: judged.rules.iter().map(verdict).collect(),
        limits: Some(judged.limits.into()),
        gone: u32::try_from(gone).unwrap_or(u32::MAX),
    }
}

fn verdict(rule: &Rule) -> v1::Verdict {
    let ruling = match &rule.ruling {
        Ruling::Pass => Wire::Pass(v1::Passed {}),
        Ruling::Lowered(from, to) => Wire::Lowered(lowered(*from, *to)),
        Ruling::Fail(sentence) => Wire::Fail(sentence.to_string()),
        Ruling::Owed(owed) => Wire::Owed(owed.missing),
        Ruling::Open => Wire::Open(v1::Open {}),
    };
    let uncounted = match &rule.ruling {
        Ruling::Owed(owed) => owed.uncounted.iter().map(Reason::to_string).collect(),
        _ => Vec::new(),
    };
    v1::Verdict {
        policy: rule.policy.to_string(),
        rule: rule.rule.to_string(),
        ruling: Some(ruling),
        uncounted,
    }
}

fn lowered(from: Amount, to: Amount) -> v1::Lowered {
    let unit = match to {
        Amount::Time(_) => Unit::Milliseconds,
        Amount::Bytes(_) => Unit::Bytes,
    };
    v1::Lowered { unit: unit.into(), from: number(from), to: number(to) }
}

/// The longest time, one hour, fits.
fn number(amount: Amount) -> u32 {
    match amount {
        Amount::Time(time) => u32::try_from(time.as_millis()).unwrap_or(u32::MAX),
        Amount::Bytes(bytes) => bytes,
    }
}

/// What a gateway said, and how many replicas were not there; checked.
pub fn judged(wire: v1::JudgeReply) -> Result<(Judged, usize), BadMessage> {
    if wire.verdicts.len() > MAX_RULES {
        return Err(BadMessage("number of verdicts"));
    }
    let judged = Judged {
        rules: wire.verdicts.into_iter().map(rule).collect::<Result<_, _>>()?,
        limits: wire.limits.ok_or(BadMessage("limits"))?.try_into()?,
    };
    Ok((judged, wire.gone as usize))
}

fn rule(wire: v1::Verdict) -> Result<Rule, BadMessage> {
    let ruling = match wire.ruling.ok_or(BadMessage("verdict"))? {
        Wire::Pass(_) => Ruling::Pass,
        Wire::Lowered(lowered) => {
            let (from, to) = (lowered.from, lowered.to);
            Ruling::Lowered(amount(lowered.unit(), from)?, amount(lowered.unit(), to)?)
        }
        Wire::Fail(sentence) => Ruling::Fail(Reason::new(sentence)),
        Wire::Owed(missing) => {
            let uncounted = wire.uncounted.into_iter().take(MAX_UNCOUNTED).map(Reason::new);
            Ruling::Owed(Owed { missing, uncounted: uncounted.collect() })
        }
        Wire::Open(_) => Ruling::Open,
    };
    let line = |text: String| Reason::new(text).as_str().into();
    Ok(Rule { policy: line(wire.policy), rule: line(wire.rule), ruling })
}

fn amount(unit: Unit, number: u32) -> Result<Amount, BadMessage> {
    match unit {
        Unit::Milliseconds => Ok(Amount::Time(Duration::from_millis(number.into()))),
        Unit::Bytes => Ok(Amount::Bytes(number)),
        Unit::Unspecified => Err(BadMessage("unit of a verdict")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::Limits;

    fn rules() -> Vec<Rule> {
        let seconds = |seconds| Amount::Time(Duration::from_secs(seconds));
        let rulings = [
            Ruling::Pass,
            Ruling::Lowered(seconds(30), seconds(5)),
            Ruling::Lowered(Amount::Bytes(9), Amount::Bytes(1)),
            Ruling::Fail(Reason::new("no; do this")),
            Ruling::Owed(Owed { missing: 2, uncounted: vec![Reason::new("otto did not")] }),
            Ruling::Open,
        ];
        let rule = |ruling| Rule { policy: "p".into(), rule: "r".into(), ruling };
        rulings.map(rule).into()
    }

    #[test]
    fn verdicts_come_back_as_they_went() {
        let sent = Judged { rules: rules(), limits: Limits::default() };
        assert_eq!(judged(judge_reply(&sent, 3)).unwrap(), (sent, 3));
    }

    #[test]
    fn verdicts_of_a_hostile_gateway_are_bounded_and_lines() {
        let many = vec![verdict(&rules()[0]); MAX_RULES + 1];
        let limits = Some(Limits::default().into());
        assert!(judged(v1::JudgeReply { verdicts: many, limits, gone: 0 }).is_err());
        let long = v1::Verdict { policy: "x\n".repeat(9999), ..verdict(&rules()[0]) };
        let (judged, _) = judged(v1::JudgeReply { verdicts: vec![long], limits, gone: 0 }).unwrap();
        assert_eq!(judged.rules[0].policy.chars().count(), 400);
        assert!(!judged.rules[0].policy.contains('\n'));
    }

    #[test]
    fn a_request_comes_back_as_it_went_and_nonsense_is_named() {
        let sent = Request {
            mode: Mode::Attach,
            limits: Limits::default(),
            expression: None,
            read_only: true,
            grounds: Grounds::new("why", "INC-1").unwrap(),
        };
        let wire = judge_request(&Selection::of(Vec::new()), &sent);
        let wire = v1::JudgeRequest { uids: vec!["u1".into()], ..wire };
        let (uids, came) = request(wire.clone()).unwrap();
        assert_eq!((uids, came.mode, came.grounds), (vec!["u1".into()], sent.mode, sent.grounds));
        assert!(came.read_only);
        for (what, bad) in [
            ("mode", v1::JudgeRequest { mode: 0, ..wire.clone() }),
            ("mode", v1::JudgeRequest { mode: 9, ..wire.clone() }),
            ("limits", v1::JudgeRequest { limits: None, ..wire.clone() }),
            ("expression", v1::JudgeRequest { expression: " ".into(), ..wire.clone() }),
            ("reason or ticket", v1::JudgeRequest { reason: "r".repeat(501), ..wire.clone() }),
            ("UIDs", v1::JudgeRequest { uids: Vec::new(), ..wire }),
        ] {
            assert_eq!(request(bad).unwrap_err().0, what);
        }
    }
}
