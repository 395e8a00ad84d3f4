//! A plan over a selection as the first message of a run, and back.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Patience, RequestId, Selection};
use prepl_fanout::Plan;
use prepl_proto::convert::BadMessage;
use prepl_proto::convert::text::Text;
use prepl_proto::v1;

/// The most replicas of one run through a gateway.
pub const MAX_REPLICAS: usize = 10_000;
/// The most replicas at work at the same time.
pub const MAX_WIDTH: u32 = 1024;
/// The longest wait for a connection to one replica.
const MAX_CONNECT: Duration = Duration::from_secs(60);
/// A pod's UID has 36 bytes.
const MAX_UID_BYTES: usize = 128;
/// The longest name of a namespace or module in an app.
const MAX_NAMESPACE_BYTES: usize = 1024;

/// The first message of a run.
pub fn start_run(selection: &Selection, plan: &Plan) -> v1::StartRun {
    let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let Text { expression, read_only_expression, at, file } =
        Text::of(&plan.expression, &plan.origin, plan.read_only);
    v1::StartRun {
        uids: selection.replicas().iter().map(|replica| replica.id.uid.to_string()).collect(),
        request_id: plan.request.as_bytes().to_vec(),
        run_id: plan.run.to_string(),
        expression,
        read_only_expression,
        at,
        file,
        session: plan.session.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        namespace: plan.namespace.as_deref().unwrap_or_default().to_owned(),
        limits: Some(plan.limits.into()),
        recall: plan.recall,
        interactive: plan.interactive,
        connect_ms: millis(plan.patience.connect),
        deadline_ms: plan.patience.deadline.map(millis).unwrap_or_default(),
        width: u32::try_from(plan.width.get()).unwrap_or(MAX_WIDTH).min(MAX_WIDTH),
        barrier: plan.barrier,
        signed: None,
        // Whoever has grounds writes them in.
        reason: String::new(),
        ticket: String::new(),
    }
}

/// The UIDs of a selection and the plan over it, checked.
pub fn plan(wire: v1::StartRun) -> Result<(Vec<Arc<str>>, Plan), BadMessage> {
    let uids = uids(wire.uids)?;
    let request = RequestId::try_from(&wire.request_id[..]);
    let session = (!wire.session.is_empty()).then(|| wire.session.parse()).transpose();
    if wire.namespace.len() > MAX_NAMESPACE_BYTES {
        return Err(BadMessage("namespace"));
    }
    let text = Text {
        expression: wire.expression,
        read_only_expression: wire.read_only_expression,
        at: wire.at,
        file: wire.file,
    };
    let (expression, origin, read_only) = text.read()?;
    let millis = |time: u32| Duration::from_millis(time.into());
    let plan = Plan {
        run: wire.run_id.parse().map_err(|_| BadMessage("run id"))?,
        request: request.map_err(|_| BadMessage("request id"))?,
        recall: wire.recall,
        interactive: wire.interactive,
        read_only,
        expression,
        origin,
        session: session.map_err(|_| BadMessage("session name"))?,
        namespace: (!wire.namespace.is_empty()).then(|| wire.namespace.into()),
        limits: wire.limits.ok_or(BadMessage("limits"))?.try_into()?,
        patience: Patience {
            connect: connect(millis(wire.connect_ms))?,
            deadline: (wire.deadline_ms > 0).then(|| millis(wire.deadline_ms)),
        },
        width: width(wire.width)?,
        barrier: wire.barrier,
    };
    Ok((uids, plan))
}

/// Checks the UIDs of a message: how many, how long, none twice.
pub fn uids(wire: Vec<String>) -> Result<Vec<Arc<str>>, BadMessage> {
    let fits = |uid: &String| (1..=MAX_UID_BYTES).contains(&uid.len());
    if wire.is_empty() || wire.len() > MAX_REPLICAS || !wire.iter().all(fits) {
        return Err(BadMessage("UIDs"));
    }
    let mut seen = std::collections::HashSet::new();
    let uids: Vec<Arc<str>> = wire.into_iter().map(Arc::from).collect();
    let distinct = uids.iter().all(|uid| seen.insert(Arc::clone(uid)));
    distinct.then_some(uids).ok_or(BadMessage("UIDs"))
}

/// Checks the time that a connection may take.
pub fn connect(time: Duration) -> Result<Duration, BadMessage> {
    let fits = !time.is_zero() && time <= MAX_CONNECT;
    fits.then_some(time).ok_or(BadMessage("time to connect"))
}

/// Checks how many replicas are to be at work at the same time.
pub fn width(wire: u32) -> Result<NonZeroUsize, BadMessage> {
    let width = NonZeroUsize::new(wire as usize).filter(|_| wire <= MAX_WIDTH);
    width.ok_or(BadMessage("width"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Expression, Limits, Origin, RunId};

    fn wire() -> v1::StartRun {
        wire_of(false)
    }

    fn wire_of(read_only: bool) -> v1::StartRun {
        let plan = Plan {
            run: RunId::from_random([1; 5]),
            request: RequestId::from_random([7; 16]),
            recall: true,
            interactive: read_only,
            read_only,
            expression: Expression::new("(+ 1 2)").unwrap(),
            origin: Origin::at("a.clj".parse().unwrap(), 3, 7),
            session: Some("s1".parse().unwrap()),
            namespace: Some("shop.core".into()),
            limits: Limits::default(),
            patience: Patience { deadline: Some(Duration::from_secs(9)), ..Patience::default() },
            width: NonZeroUsize::new(64).unwrap(),
            barrier: true,
        };
        let uids = vec!["u1".to_owned(), "u2".to_owned()];
        v1::StartRun { uids, ..start_run(&Selection::of(Vec::new()), &plan) }
    }

    #[test]
    fn a_plan_comes_back_as_it_went() {
        for read_only in [false, true] {
            let wire = || wire_of(read_only);
            let (uids, plan) = plan(wire()).unwrap();
            assert_eq!((&uids[..], plan.read_only), (&["u1".into(), "u2".into()][..], read_only));
            let back = start_run(&Selection::of(Vec::new()), &plan);
            assert_eq!(back, v1::StartRun { uids: Vec::new(), ..wire() });
        }
    }

    #[test]
    fn a_gateway_of_before_finds_nothing_to_run_in_a_read_only_run() {
        assert!(wire_of(true).expression.is_empty());
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_its_name() {
        let many = || (0..=MAX_REPLICAS).map(|number| number.to_string()).collect();
        let bad: Vec<(&str, v1::StartRun)> = vec![
            ("UIDs", v1::StartRun { uids: Vec::new(), ..wire() }),
            ("UIDs", v1::StartRun { uids: many(), ..wire() }),
            ("UIDs", v1::StartRun { uids: vec![String::new()], ..wire() }),
            ("UIDs", v1::StartRun { uids: vec!["u".repeat(129)], ..wire() }),
            ("UIDs", v1::StartRun { uids: vec!["u1".into(), "u1".into()], ..wire() }),
            ("request id", v1::StartRun { request_id: vec![7; 15], ..wire() }),
            ("run id", v1::StartRun { run_id: "x".into(), ..wire() }),
            ("expression", v1::StartRun { expression: " ".into(), ..wire() }),
            ("expression", v1::StartRun { read_only_expression: "1".into(), ..wire() }),
            ("session name", v1::StartRun { session: "a b".into(), ..wire() }),
            ("namespace", v1::StartRun { namespace: "n".repeat(1025), ..wire() }),
            ("limits", v1::StartRun { limits: None, ..wire() }),
            ("time to connect", v1::StartRun { connect_ms: 0, ..wire() }),
            ("time to connect", v1::StartRun { connect_ms: 60_001, ..wire() }),
            ("width", v1::StartRun { width: 0, ..wire() }),
            ("width", v1::StartRun { width: MAX_WIDTH + 1, ..wire() }),
        ];
        for (what, wire) in bad {
            assert_eq!(plan(wire).unwrap_err().0, what);
        }
    }
}
