//! Core → wire → core gives the same value; nonsense from the wire is refused.

#![expect(clippy::unwrap_used, reason = "a message that cannot be made is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use prepl_core::outcome::Counts;
use prepl_core::report::{Report, Stopped, Summary};
use prepl_core::{
    Digest, Done, Evaluation, Event, Expression, Limits, Origin, Outcome, Raised, Reason, Refusal,
    ReplicaIndex, RequestId, RunId, Stream, Timings, Value,
};
use prepl_proto::v1;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Arc<str>> {
    ".{0,20}".prop_map(Arc::from)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let reason = ".{0,20}".prop_map(Reason::new);
    prop_oneof![
        Just(Outcome::Ok),
        Just(Outcome::Raised),
        reason.clone().prop_map(|r| Outcome::Refused(Refusal::Denied(r))),
        reason.clone().prop_map(|r| Outcome::Refused(Refusal::Unreadable(r))),
        reason.clone().prop_map(|r| Outcome::Refused(Refusal::Limit(r))),
        reason.clone().prop_map(Outcome::Unreachable),
        reason.clone().prop_map(Outcome::NotStarted),
        (reason, any::<bool>())
            .prop_map(|(reason, may_still_run)| Outcome::Unknown { reason, may_still_run }),
    ]
}

fn done() -> impl Strategy<Value = Done> {
    let namespace = proptest::option::of("[a-z.]{1,9}".prop_map(Arc::from));
    (outcome(), namespace, any::<[u32; 2]>(), any::<u64>(), any::<bool>()).prop_map(
        |(outcome, namespace, [queued, eval], output_bytes, session_began)| Done {
            outcome,
            namespace,
            timings: Timings {
                queued: Duration::from_micros(queued.into()),
                eval: Duration::from_micros(eval.into()),
                ..Timings::default()
            },
            output_bytes,
            session_began,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let stream = prop_oneof![Just(Stream::Out), Just(Stream::Err)];
    let trace = proptest::collection::vec(text(), 0..4);
    prop_oneof![
        Just(Event::Started),
        (stream, any::<Vec<u8>>())
            .prop_map(|(stream, bytes)| Event::Output { stream, bytes: bytes.into() }),
        (any::<u32>(), text(), any::<bool>())
            .prop_map(|(form, text, truncated)| Event::Value(Value { form, text, truncated })),
        (text(), text(), text(), trace).prop_map(|(class, message, phase, trace)| {
            Event::Raised(Raised { class, message, phase, trace })
        }),
        Just(Event::NeedInput),
        text().prop_map(Event::Notice),
        done().prop_map(Event::Done),
    ]
}

fn origin() -> impl Strategy<Value = Origin> {
    let file = || "[a-z/. ]{1,20}".prop_map(|name: String| name.parse().unwrap());
    prop_oneof![
        Just(Origin::Typed),
        (file(), any::<u32>(), any::<u32>())
            .prop_map(|(file, line, column)| Origin::at(file, line, column)),
        file().prop_map(Origin::File),
    ]
}

fn evaluation() -> impl Strategy<Value = Evaluation> {
    let limits = (1_u64..3_600_000, 1_u32..(16 << 20), 1_u32..(16 << 20))
        .prop_map(|(ms, value, output)| Limits::new(Duration::from_millis(ms), value, output));
    let session = proptest::option::of("[a-z0-9._-]{1,64}");
    let request = (any::<[u8; 16]>(), any::<bool>(), any::<bool>(), origin());
    (request, any::<[u8; 5]>(), text(), "[^\0]{0,20}x", session, limits).prop_map(
        |((request, recall, read_only, origin), run, uid, expression, session, limits)| {
            Evaluation {
                request: RequestId::from_random(request),
                run: RunId::from_random(run),
                replica_uid: uid,
                expression: Expression::new(expression).unwrap(),
                origin,
                session: session.map(|name| name.parse().unwrap()),
                namespace: Some("user".into()),
                limits: limits.unwrap(),
                recall,
                read_only,
                interactive: recall ^ read_only,
            }
        },
    )
}

proptest! {
    #[test]
    fn an_event_survives_the_wire(event in event()) {
        let back = Event::try_from(v1::Event::from(event.clone()));
        prop_assert_eq!(back, Ok(event));
    }

    #[test]
    fn an_evaluation_survives_the_wire(evaluation in evaluation()) {
        let back = Evaluation::try_from(v1::EvalRequest::from(evaluation.clone()));
        prop_assert_eq!(back, Ok(evaluation));
    }
}

fn report() -> impl Strategy<Value = Report> {
    let times = any::<[u32; 2]>();
    let event = (event(), times).prop_map(|(event, [connect, total])| {
        let event = event.map_text(|text| Digest::of(&text));
        match event {
            Event::Done(mut done) => {
                done.timings.connect = Duration::from_micros(connect.into());
                done.timings.total = Duration::from_micros(total.into());
                Event::Done(done)
            }
            other => other,
        }
    });
    let stopped = prop_oneof![
        Just(None),
        Just(Some(Stopped::Interrupted)),
        Just(Some(Stopped::Deadline)),
        Just(Some(Stopped::Revoked)),
    ];
    let skew = proptest::option::of(any::<u32>());
    let counts = any::<[u16; 6]>();
    prop_oneof![
        text().prop_map(|text| Report::Text(Digest::of(&text), text)),
        (any::<u32>(), any::<u64>(), event).prop_map(|(replica, sequence, event)| {
            Report::Replica { replica: ReplicaIndex(replica), sequence, event }
        }),
        (stopped, skew, any::<u32>(), counts).prop_map(|(stopped, skew, elapsed, counts)| {
            Report::Finished(Summary {
                counts: Counts::of_classes(|class| counts[class as usize].into()),
                skew: skew.map(|skew| Duration::from_micros(skew.into())),
                elapsed: Duration::from_micros(elapsed.into()),
                stopped,
            })
        }),
    ]
}

proptest! {
    #[test]
    fn a_report_crosses_the_wire_whole(report in report()) {
        let wire = v1::Report::from(report.clone());
        prop_assert_eq!(Report::try_from(wire), Ok(report));
    }
}

#[test]
fn a_report_without_its_parts_is_refused() {
    use v1::report::Report as Kind;
    let event = Some(v1::Event { kind: Some(v1::event::Kind::Value(v1::Value::default())) });
    let replica = v1::ReplicaEvent { event, ..v1::ReplicaEvent::default() };
    let bad = [
        None,
        Some(Kind::Text(v1::Text { digest: vec![1; 31], text: "x".into() })),
        Some(Kind::Replica(v1::ReplicaEvent::default())),
        Some(Kind::Replica(replica)),
        Some(Kind::Finished(v1::Finished::default())),
    ];
    for report in bad {
        assert!(Report::try_from(v1::Report { report: report.clone() }).is_err(), "{report:?}");
    }
}

#[test]
fn an_event_of_a_newer_peer_is_refused_and_not_taken_for_another() {
    assert!(Event::try_from(v1::Event { kind: None }).is_err());
}

#[test]
fn an_evaluation_out_of_bounds_is_refused() {
    let good = || v1::EvalRequest {
        request_id: vec![7; 16],
        run_id: "7Q4K2ABC".into(),
        replica_uid: "uid".into(),
        expression: "1".into(),
        session: String::new(),
        namespace: String::new(),
        limits: Some(Limits::default().into()),
        recall: false,
        interactive: false,
        caller: String::new(),
        signed: None,
        membership: None,
        read_only_expression: String::new(),
        at: None,
        file: None,
    };
    assert!(Evaluation::try_from(good()).is_ok());
    let bad: [(&str, v1::EvalRequest); 7] = [
        ("request id", v1::EvalRequest { request_id: vec![7; 15], ..good() }),
        ("run id", v1::EvalRequest { run_id: "x".into(), ..good() }),
        ("expression", v1::EvalRequest { expression: " ".into(), ..good() }),
        ("expression", v1::EvalRequest { read_only_expression: "1".into(), ..good() }),
        ("session name", v1::EvalRequest { session: "a b".into(), ..good() }),
        ("limits", v1::EvalRequest { limits: None, ..good() }),
        ("limits", v1::EvalRequest { limits: Some(v1::Limits::default()), ..good() }),
    ];
    for (what, wire) in bad {
        let error = Evaluation::try_from(wire).unwrap_err();
        assert_eq!(error.0, what);
    }
}
