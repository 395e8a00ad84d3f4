use bytes::Bytes;
use prepl_bencode::encode;

use super::*;
use crate::tap::{Tap, Told};

fn message(pairs: &[(&str, &str)]) -> Bytes {
    let mut bytes = BytesMut::new();
    encode(&Value::dict(pairs.iter().map(|(key, value)| (*key, Value::from(*value)))), &mut bytes);
    bytes.freeze()
}

/// What a tap tells of bytes that it hears at once.
fn told(bytes: &[u8]) -> Vec<Option<Told>> {
    let segments = Tap::of("nrepl").push(&Bytes::copy_from_slice(bytes));
    segments.into_iter().map(|segment| segment.told).collect()
}

/// The one message that is told of.
fn heard(pairs: &[(&str, &str)]) -> Message {
    let mut told = told(&message(pairs));
    let one = told.pop().flatten().map(|told| told.said);
    assert!(told.is_empty());
    match one {
        Some(Said::Message(message)) => message,
        _ => panic!("no message is told"),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_evaluation_is_told_with_its_code_and_where_it_is_from() {
    let told = heard(&[
        ("op", "eval"),
        ("code", "(+ 1 2)"),
        ("session", "s-1"),
        ("ns", "shop.core"),
        ("file", "core.clj"),
    ]);
    assert_eq!((&*told.op, told.code.as_deref()), ("eval", Some(b"(+ 1 2)".as_slice())));
    assert_eq!(
        (told.session, told.namespace, told.file),
        (some("s-1"), some("shop.core"), some("core.clj"))
    );
}

#[test]
fn a_file_is_told_with_its_content_and_its_path() {
    let pairs = [("op", "load-file"), ("file", "(ns a)"), ("file-name", "a.clj")];
    let told = heard(&pairs);
    assert_eq!((told.code.as_deref(), told.file), (Some(b"(ns a)".as_slice()), some("a.clj")));
    let told = heard(&[pairs[0], pairs[1], pairs[2], ("file-path", "src/a.clj")]);
    assert_eq!(told.file, some("src/a.clj"));
}

#[test]
fn input_is_told_as_code_and_other_ops_by_their_names() {
    let told = heard(&[("op", "stdin"), ("stdin", "(exit)\n")]);
    assert_eq!((&*told.op, told.code.as_deref()), ("stdin", Some(b"(exit)\n".as_slice())));
    let told = heard(&[("op", "interrupt"), ("session", "s")]);
    assert_eq!((&*told.op, told.session, told.code), ("interrupt", some("s"), None));
    assert_eq!(heard(&[("id", "1")]).op, "");
}

#[test]
fn what_an_editor_asks_as_one_types_is_counted_until_something_is_told() {
    let asides = [message(&[("op", "eldoc"), ("sym", "map")]), message(&[("op", "cider/eldoc")])];
    let eval = message(&[("op", "eval"), ("code", "1")]);
    let mut tap = Tap::of("nrepl");
    let counts = |segments: Vec<Segment>| -> Vec<Option<Asides>> {
        segments.into_iter().map(|one| one.told.map(|told| told.asides)).collect()
    };
    let all = [&asides[0][..], &asides[1], &eval, &asides[0]].concat();
    let eldoc = |count| Some(Asides::from([("eldoc", count)]));
    assert_eq!(counts(tap.push(&all.into())), [None, None, eldoc(2), None]);
    let end = tap.end().unwrap();
    assert!(end.bytes.is_empty() && end.told.as_ref().unwrap().said == Said::Nothing);
    assert_eq!(counts(vec![end]), [eldoc(1)]);
    assert!(tap.end().is_none());
}

#[test]
fn an_op_that_names_a_function_to_call_is_no_aside() {
    let named = [("op", "completions"), ("prefix", "x"), ("complete-fn", "clojure.core/spit")];
    assert_eq!(heard(&named).op, "completions");
    assert!(told(&message(&named[..2])) == [None]);
    let printing = [("op", "describe"), ("nrepl.middleware.caught/caught", "a/b")];
    assert_eq!(heard(&printing).op, "describe");
}

#[test]
fn what_a_completion_reads_is_told() {
    let asked = message(&[("op", "complete"), ("symbol", "ma"), ("context", "#=(exit)")]);
    let [Some(one)] = &told(&asked)[..] else { panic!("it is not told") };
    assert!(matches!(&one.said, Said::Message(told) if told.code.as_deref() == Some(&asked[..])));
}

#[test]
fn a_message_with_code_in_another_place_is_told_whole() {
    let list = |code: Value| Value::dict([("op", "eval".into()), ("code", code)]);
    let texts = |pairs: &[(&'static str, &'static str)]| {
        Value::dict(
            pairs.iter().map(|(key, value)| (*key, Value::from(*value))).collect::<Vec<_>>(),
        )
    };
    let hidden = [
        list(Value::List(vec!["(exit)".into()])),
        Value::dict([("op", "stdin".into()), ("stdin", Value::List(vec![Value::Int(40)]))]),
        texts(&[("op", "eval"), ("code", "\"(exit)\""), ("eval", "clojure.core/load-string")]),
        texts(&[("op", "eval"), ("code", "1"), ("nrepl.middleware.print/print", "user/exit")]),
        texts(&[("op", "sideloader-provide"), ("content", "KGV4aXQp"), ("name", "a.clj")]),
        texts(&[("op", "load-file"), ("file", "1"), ("code", "(exit)")]),
    ];
    for message in hidden {
        let mut bytes = BytesMut::new();
        encode(&message, &mut bytes);
        let [Some(one)] = &told(&bytes)[..] else { panic!("{message:?} is not told") };
        let Said::Message(told) = &one.said else { panic!("{message:?} is not told as one") };
        assert_eq!(told.code.as_deref(), Some(&bytes[..]), "{message:?}");
    }
}

#[test]
fn half_a_message_waits_for_the_rest() {
    let eval = message(&[("op", "eval"), ("code", "1")]);
    let mut tap = Tap::of("nrepl");
    for end in 0..eval.len() - 1 {
        assert!(tap.push(&eval.slice(end..=end)).is_empty(), "byte {end} went on");
    }
    let [whole] = &tap.push(&eval.slice(eval.len() - 1..))[..] else { panic!("no message") };
    assert_eq!(whole.bytes, eval);
    assert!(whole.told.is_some());
}

#[test]
fn half_a_message_at_the_end_is_raw() {
    let mut tap = Tap::of("nrepl");
    assert!(tap.push(&"d2:op4:ev".into()).is_empty());
    let rest = tap.end().unwrap();
    assert_eq!(&rest.bytes[..], b"d2:op4:ev");
    assert!(rest.told.unwrap().said == Said::Raw);
}

#[test]
fn after_what_cannot_be_read_everything_is_raw() {
    let eval = message(&[("op", "eval"), ("code", "1")]);
    let large = format!("d2:op4:eval4:code{}:", MAX_HELD);
    let deep = "l".repeat(100);
    for garbage in [b"GET / HTTP/1.1\r\n".as_slice(), large.as_bytes(), deep.as_bytes()] {
        let mut tap = Tap::of("nrepl");
        let before = tap.push(&[&eval[..], garbage].concat().into());
        let [first, raw] = &before[..] else { panic!("{} segments", before.len()) };
        assert!(matches!(&first.told, Some(Told { said: Said::Message(_), .. })));
        assert_eq!(&raw.bytes[..], garbage);
        assert!(raw.told.as_ref().unwrap().said == Said::Raw);
        let after = tap.push(&eval);
        assert!(after[0].bytes == eval && after[0].told.as_ref().unwrap().said == Said::Raw);
        assert!(tap.end().is_none());
    }
}

#[test]
fn a_value_that_is_no_message_is_raw_and_alone() {
    let eval = message(&[("op", "eval"), ("code", "1")]);
    let told = told(&[b"i7e", &eval[..]].concat());
    let [Some(raw), Some(next)] = &told[..] else { panic!("{} are told", told.len()) };
    assert!(raw.said == Said::Raw && matches!(next.said, Said::Message(_)));
}

#[test]
fn many_small_values_do_not_take_more_memory_than_one_large_one() {
    let mut tap = Tap::of("nrepl");
    let begun = tap.push(&"d4:codel".into());
    let ones = Bytes::from("i1e".repeat(20_000));
    assert!(begun.is_empty() && tap.push(&ones).is_empty());
    let gone = tap.push(&Bytes::from("i1e".repeat(30_000)));
    assert!(gone.len() == 1 && gone[0].told.as_ref().unwrap().said == Said::Raw);
    assert_eq!(gone[0].bytes.len(), 8 + 150_000);
}
