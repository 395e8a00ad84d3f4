//! From what was written to what can be judged: every number and length has its bounds here.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use prepl_core::{LabelSelector, Limits, Reason};

use crate::draft::{self, BadPolicy, Draft};
use crate::mode::Mode;
use crate::pattern::Pattern;
use crate::policy::{Approvals, By, Demand, Deny, MayBreak, Redaction, Spec};

const SELECTOR_BYTES: usize = 4 << 10;
const REPLICAS: RangeInclusive<u32> = 1..=10_000;
const SECONDS: RangeInclusive<u32> = 1..=3600;
const BYTES: RangeInclusive<u32> = Limits::BYTES_RANGE.0..=Limits::BYTES_RANGE.1;
const RATE: RangeInclusive<u32> = 1..=600;
const APPROVALS: RangeInclusive<u32> = 0..=8;
/// How long an approval may last, and how long it does unless said otherwise.
const LASTING: (RangeInclusive<u32>, u32) = (1..=86_400, 3600);
const UNREVIEWED: RangeInclusive<u32> = 1..=100;
/// Expression rules of one policy, and redactions of one.
const RULES: usize = 16;
const SCRIPT_BYTES: usize = 4 << 10;
const MESSAGE_CHARS: usize = 200;
const REPLACE_BYTES: usize = 64;

type Checked<T> = Result<T, BadPolicy>;

pub(crate) fn checked(draft: Draft) -> Checked<(LabelSelector, Spec)> {
    let selector = selector(&draft)?;
    let ceilings = &draft.ceilings;
    let time = number("ceilings.eval_seconds", ceilings.eval_seconds, SECONDS)?
        .map(|seconds| Duration::from_secs(seconds.into()));
    let value_bytes = number("ceilings.value_bytes", ceilings.value_bytes, BYTES)?;
    let output_bytes = number("ceilings.output_bytes", ceilings.output_bytes, BYTES)?;
    let spec = Spec {
        mode: ceilings.mode,
        replicas: number("ceilings.replicas", ceilings.replicas, REPLICAS)?
            .and_then(NonZeroU32::new),
        time,
        value_bytes,
        output_bytes,
        ceiling: ceiling(time, value_bytes, output_bytes)?,
        runs_per_minute: number("ceilings.runs_per_minute", ceilings.runs_per_minute, RATE)?
            .and_then(NonZeroU32::new),
        read_only: ceilings.read_only,
        reason: demand("reason", draft.reason)?,
        ticket: demand("ticket", draft.ticket)?,
        approvals: approvals(draft.approvals)?,
        redaction: redactions(draft.redaction)?,
        deny: rules(draft.expressions.deny)?,
        break_glass: break_glass(&draft.break_glass)?,
    };
    Ok((selector, spec))
}

pub(crate) fn selector(draft: &Draft) -> Checked<LabelSelector> {
    if draft.selector.len() > SELECTOR_BYTES {
        return Err(bad("selector", format!("a selector has at most {SELECTOR_BYTES} bytes")));
    }
    draft.selector.parse().map_err(|error| bad("selector", error))
}

fn bad(field: impl Into<String>, problem: impl ToString) -> BadPolicy {
    BadPolicy { field: field.into(), problem: problem.to_string() }
}

fn number(field: &str, given: Option<u32>, range: RangeInclusive<u32>) -> Checked<Option<u32>> {
    let fits = given.is_none_or(|number| range.contains(&number));
    let (least, most) = range.into_inner();
    fits.then_some(given)
        .ok_or_else(|| bad(field, format!("write a number from {least} to {most}")))
}

fn ceiling(
    time: Option<Duration>,
    value_bytes: Option<u32>,
    output_bytes: Option<u32>,
) -> Checked<Limits> {
    let widest = Limits::WIDEST;
    let limits = Limits::new(
        time.unwrap_or(widest.time()),
        value_bytes.unwrap_or(widest.value_bytes()),
        output_bytes.unwrap_or(widest.output_bytes()),
    );
    limits.map_err(|error| bad("ceilings", error))
}

fn pattern(field: &str, text: &str) -> Checked<Pattern> {
    if text.is_empty() {
        return Err(bad(field, "an empty pattern matches everything; leave it out, or write one"));
    }
    Pattern::new(text).map_err(|problem| bad(field, problem))
}

fn demand(field: &str, draft: draft::Demand) -> Checked<Demand> {
    let inner = format!("{field}.pattern");
    let pattern = draft.pattern.map(|text| pattern(&inner, &text)).transpose()?;
    Ok(Demand { required: draft.required, pattern })
}

fn approvals(draft: draft::Approvals) -> Checked<Option<Approvals>> {
    number("approvals.count", Some(draft.count), APPROVALS)?;
    if draft.modes.contains(&Mode::Inspect) {
        return Err(bad(
            "approvals.modes",
            "looking needs no approval; write eval, attach or both",
        ));
    }
    let modes = match draft.modes.is_empty() {
        true => vec![Mode::Eval, Mode::Attach],
        false => draft.modes,
    };
    let (range, usual) = LASTING;
    let seconds = number("approvals.expires_seconds", draft.expires_seconds, range)?;
    let lasting = Duration::from_secs(seconds.unwrap_or(usual).into());
    let from_service_accounts = draft.from_service_accounts;
    Ok(NonZeroU32::new(draft.count).map(|count| Approvals {
        count,
        modes,
        lasting,
        from_service_accounts,
    }))
}

fn few<T>(field: &str, list: &[T]) -> Checked<()> {
    let fits = list.len() <= RULES;
    fits.then_some(()).ok_or_else(|| bad(field, format!("one policy has at most {RULES} of them")))
}

fn redactions(drafts: Vec<draft::Redaction>) -> Checked<Vec<Redaction>> {
    few("redaction", &drafts)?;
    let redaction = |(place, draft): (usize, draft::Redaction)| {
        if draft.replace.len() > REPLACE_BYTES {
            let problem = format!("a replacement has at most {REPLACE_BYTES} bytes");
            return Err(bad(format!("redaction.{place}.replace"), problem));
        }
        let pattern = pattern(&format!("redaction.{place}.pattern"), &draft.pattern)?;
        Ok(Redaction { pattern, replace: draft.replace.into() })
    };
    drafts.into_iter().enumerate().map(redaction).collect()
}

fn rules(drafts: Vec<draft::Deny>) -> Checked<Vec<Deny>> {
    few("expressions.deny", &drafts)?;
    drafts.into_iter().enumerate().map(|(place, draft)| rule(place, draft)).collect()
}

fn rule(place: usize, draft: draft::Deny) -> Checked<Deny> {
    let field = format!("expressions.deny.{place}");
    let by = match (draft.regex, draft.rhai) {
        (Some(text), None) => By::Pattern(pattern(&format!("{field}.regex"), &text)?),
        (None, Some(text)) if text.trim().is_empty() || text.len() > SCRIPT_BYTES => {
            let problem = format!("a script has 1 to {SCRIPT_BYTES} bytes");
            return Err(bad(format!("{field}.rhai"), problem));
        }
        (None, Some(text)) => By::Script(text.into()),
        _ => return Err(bad(field, "a rule has either regex or rhai; write one of them")),
    };
    let message = draft.message;
    if message.as_ref().is_some_and(|text| text.chars().count() > MESSAGE_CHARS) {
        let problem = format!("a message has at most {MESSAGE_CHARS} characters");
        return Err(bad(format!("{field}.message"), problem));
    }
    Ok(Deny { by, message: message.filter(|text| !text.trim().is_empty()).map(Reason::new) })
}

fn break_glass(draft: &draft::BreakGlass) -> Checked<Option<MayBreak>> {
    let seconds = number("break_glass.max_seconds", draft.max_seconds, SECONDS)?;
    let unreviewed = number("break_glass.max_unreviewed", draft.max_unreviewed, UNREVIEWED)?;
    match (draft.allowed, seconds) {
        (false, _) => Ok(None),
        (true, None) => Err(bad("break_glass", "say max_seconds too: how long it may last")),
        (true, Some(seconds)) => Ok(Some(MayBreak {
            longest: Duration::from_secs(seconds.into()),
            max_unreviewed: unreviewed.unwrap_or(1),
        })),
    }
}
