//! What was appended is what is read back.

use prepl_audit::{
    Approval, AttachClosed, AttachOpened, AttachSaid, Body, BreakGlass, Denied, Intent, Log, Mode,
    Outcomes, Redactor, ReplMessage, ReplicaOutcome, ReplicaSet, Said, Sentence, SourceFile, Who,
    verify_on,
};
use prepl_core::{Class, Digest, Expression, Origin, Reason};
use proptest::prelude::*;

use crate::common::{bodies, decision, intent, lines, log_on, replica, request, run, who};
use crate::sim::Sim;

fn name() -> impl Strategy<Value = String> {
    "\\PC{0,12}|[a-z\\x00-\\x1f\"\\\\\u{7f}\u{2028}\u{feff}😀]{0,12}"
}

fn someone() -> impl Strategy<Value = Who> {
    (name(), name(), any::<bool>()).prop_map(|(username, uid, access)| {
        let access = who("x").access.filter(|_| access);
        Who { username, uid, access }
    })
}

fn replicas() -> impl Strategy<Value = ReplicaSet> {
    prop::collection::vec(name(), 0..4)
        .prop_map(|names| ReplicaSet::of(&names.iter().map(|n| replica(n)).collect::<Vec<_>>()))
}

fn origin() -> impl Strategy<Value = Origin> {
    let file = || "\\PC{1,20}x".prop_filter_map("a file name", |name| name.parse().ok());
    prop_oneof![
        Just(Origin::Typed),
        file().prop_map(Origin::File),
        (file(), any::<u32>(), any::<u32>())
            .prop_map(|(file, line, column)| Origin::at(file, line, column)),
    ]
}

fn an_intent() -> impl Strategy<Value = Intent> {
    let words = ("\\PC{1,40}x", name(), any::<bool>(), any::<bool>(), any::<u32>());
    (words, someone(), replicas(), origin()).prop_map(|(words, who, replicas, origin)| {
        let (expression, reason, break_glass, reads, number) = words;
        let redactor = Redactor::new([("[aeiou]", "$0*"), ("\\d+", "#")]).unwrap();
        let mode = if reads { Mode::ReadOnly } else { Mode::ReadWrite };
        let expression = redactor.expression(&Expression::new(expression).unwrap());
        let reason = Some(redactor.text(&reason));
        let file = SourceFile::of(&origin, &redactor);
        let run = run(number.into());
        Intent { run, who, replicas, expression, file, reason, break_glass, mode, ..intent(1) }
    })
}

fn outcomes() -> impl Strategy<Value = Outcomes> {
    let one =
        (name(), 0..6_usize, any::<u64>(), any::<u64>(), prop::collection::vec(name(), 0..12));
    let one = one.prop_map(|(uid, class, ms, bytes, values)| {
        let (count, values) = (values.len() as u64, values.iter().map(|value| Digest::of(value)));
        ReplicaOutcome::new(&uid, Class::ALL[class], ms, bytes).with_values(values, count)
    });
    (any::<u32>(), prop::collection::vec(one, 0..4)).prop_map(|(number, replicas)| Outcomes {
        run: run(number.into()),
        intent: number.into(),
        replicas,
    })
}

#[derive(Clone, Debug)]
enum Any {
    Intent(Intent),
    Outcomes(Outcomes),
    Denied(Denied),
    AttachOpened(AttachOpened),
    AttachClosed(AttachClosed),
    AttachSaid(AttachSaid),
    BreakGlass(BreakGlass),
    Approval(Approval),
}

/// Bytes of any kind for a REPL, in each form that a record of them has.
fn attach_said() -> impl Strategy<Value = AttachSaid> {
    let words = (prop::collection::vec(any::<u8>(), 0..40), name(), any::<u32>(), 0..4);
    let asides = prop::collection::btree_map("[a-z-]{1,8}", 0..9_u64, 0..3);
    (words, someone(), replicas(), asides).prop_map(|(words, who, replicas, asides)| {
        let (code, name, number, form) = words;
        let redactor = Redactor::new([("\\d+", "#")]).unwrap();
        let (text, sha256) = (redactor.code(&code), Digest::of_bytes(&code));
        let said = match form {
            0 => Said::Text { text },
            1 => Said::Raw { sha256 },
            2 => Said::Asides,
            _ => Said::Message(ReplMessage {
                op: redactor.short(&name, 4),
                session: Some(redactor.text(&name)).filter(|_| number % 2 == 0),
                namespace: None,
                file: Some(redactor.text(&name)),
                code: Some(text).filter(|_| number % 3 == 0),
                sha256,
            }),
        };
        let (request, place, bytes) = (request(1), number.into(), code.len() as u64);
        AttachSaid { request, place, who, replicas, bytes, said, asides }
    })
}

fn any_record() -> impl Strategy<Value = Any> {
    let why = || name().prop_map(|words| Sentence::from(&Reason::new(words)));
    let request = || any::<u32>().prop_map(|number| request(number.into()));
    let denied =
        (someone(), request(), an_intent(), why()).prop_map(|(who, request, asked, why)| {
            let Intent { replicas, expression, .. } = asked;
            let expression = Some(expression);
            Any::Denied(Denied { who, request, expression, replicas, why })
        });
    let opened = (someone(), request(), replicas(), any::<bool>()).prop_map(|parts| {
        let (who, request, replicas, break_glass) = parts;
        let (decision, reason) = (decision(), None);
        Any::AttachOpened(AttachOpened { request, who, replicas, decision, reason, break_glass })
    });
    let closed =
        (request(), any::<u64>(), any::<u64>(), name()).prop_map(|(request, to, from, why)| {
            Any::AttachClosed(AttachClosed::new(request, to, from, &Reason::new(why)))
        });
    let glass = (someone(), name()).prop_map(|(who, reason)| {
        let reason = Redactor::default().text(&reason);
        Any::BreakGlass(BreakGlass { who, ticket: Some(reason.clone()), reason })
    });
    let approval = (someone(), name()).prop_map(|(by, shown)| {
        let access = who("x").access.unwrap();
        Any::Approval(Approval { who: by, access, shown: Digest::of(&shown) })
    });
    prop_oneof![
        an_intent().prop_map(Any::Intent),
        outcomes().prop_map(Any::Outcomes),
        denied,
        opened,
        closed,
        attach_said().prop_map(Any::AttachSaid),
        glass,
        approval
    ]
}

async fn append(log: &Log, record: Any) -> Body {
    match record {
        Any::Intent(one) => Body::Intent(log.append(one).await.unwrap().into_record()),
        Any::Outcomes(one) => Body::Outcome(log.append(one).await.unwrap().into_record()),
        Any::Denied(one) => Body::Denied(log.append(one).await.unwrap().into_record()),
        Any::AttachOpened(one) => Body::AttachOpened(log.append(one).await.unwrap().into_record()),
        Any::AttachClosed(one) => Body::AttachClosed(log.append(one).await.unwrap().into_record()),
        Any::AttachSaid(one) => Body::AttachSaid(log.append(one).await.unwrap().into_record()),
        Any::BreakGlass(one) => Body::BreakGlass(log.append(one).await.unwrap().into_record()),
        Any::Approval(one) => Body::Approval(log.append(one).await.unwrap().into_record()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_records_are_read_back_as_they_were(
        records in prop::collection::vec(any_record(), 0..12),
        max_file_bytes in 1..9000_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let disk = Sim::default();
        let told = runtime.block_on(async {
            let log = log_on(&disk, max_file_bytes).await;
            let mut told = Vec::new();
            for record in records {
                told.push(append(&log, record).await);
            }
            log.close().await.unwrap();
            told
        });
        let verified = verify_on(&disk, None).unwrap();
        prop_assert_eq!(verified.fault, None);
        prop_assert_eq!(verified.records, lines(&disk).len() as u64);
        let ours = |body: &Body| !matches!(body, Body::Chain(_) | Body::Opened(_) | Body::Closed(_));
        let read: Vec<_> = bodies(&disk).into_iter().filter(ours).collect();
        prop_assert_eq!(read, told);
    }
}

#[tokio::test]
async fn a_line_is_as_the_front_page_says() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let receipt = log.append(intent(7)).await.unwrap();
    let lines = lines(&disk);
    let line = lines.last().unwrap();
    assert!(
        line.starts_with(r#"{"body":{"break_glass":false,"decision":{"policies":[{"#),
        "{line}"
    );
    assert!(
        line.contains(r#""mode":"read_write","reason":"queue is stuck","replicas":{"#),
        "{line}"
    );
    assert!(line.contains(r#""text":"(login \"***\") ; 7"},"mode""#), "{line}");
    assert!(!line.contains("hunter") && !line.contains("null"), "{line}");
    let ends = r#","seq":2,"time":"2026-03-01T09:30:00.000Z","v":1}"#;
    assert!(line.ends_with(ends), "{line}");
    // The hash is of the line without it: said here in other words than the crate's own.
    let hash = format!(r#","hash":"{}""#, receipt.hash());
    assert_eq!(Digest::of(&line.replace(&hash, "")), receipt.hash());
    let prev: serde_json::Value = serde_json::from_str(line).unwrap();
    let before: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(prev["prev"], before["hash"]);
}

#[test]
fn a_set_of_replicas_has_one_digest_in_any_order() {
    let set = |names: &[&str]| {
        ReplicaSet::of(&names.iter().map(|name| replica(name)).collect::<Vec<_>>()).digest()
    };
    assert_eq!(set(&["a", "b"]), set(&["b", "a"]));
    assert_eq!(set(&["a", "b"]), Digest::of("uid-of-a\nuid-of-b\n"));
    assert_ne!(set(&["a"]), set(&["a", "b"]));
}
