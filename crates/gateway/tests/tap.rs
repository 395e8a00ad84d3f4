//! What a tap gives is what it was given, whatever that is and however it is cut.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use bytes::{Bytes, BytesMut};
use prepl_bencode::{Value, encode};
use prepl_gateway::tap::{Said, Segment, Tap};
use proptest::prelude::*;

fn message() -> impl Strategy<Value = Vec<u8>> {
    let op = prop_oneof!["eval", "load-file", "stdin", "describe", "eldoc", "[a-z]{0,8}"];
    let texts = prop::collection::vec(("code|file|stdin|ns|sym|[a-z]{1,4}", ".{0,40}"), 0..5);
    (op, texts).prop_map(|(op, texts)| {
        let mut bytes = BytesMut::new();
        let texts = texts.into_iter().map(|(key, text)| (key, Value::from(text)));
        let op = ("op".to_owned(), Value::from(op));
        encode(&Value::dict(texts.chain([op])), &mut bytes);
        bytes.to_vec()
    })
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => message(),
        4 => ".{0,30}\n".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..30),
        1 => "d|l|i1e|9:|99999999999:".prop_map(String::into_bytes),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// Cuts a stream where the numbers say.
fn cut<'a>(stream: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = Bytes> + 'a {
    let mut rest = stream;
    sizes.iter().cycle().map_while(move |size| {
        let (part, more) = rest.split_at(rest.len().min(*size));
        rest = more;
        (!part.is_empty()).then(|| Bytes::copy_from_slice(part))
    })
}

fn segments(driver: &str, parts: impl Iterator<Item = Bytes>) -> Vec<Segment> {
    let mut tap = Tap::of(driver);
    let mut segments: Vec<_> = parts.flat_map(|part| tap.push(&part)).collect();
    segments.extend(tap.end());
    segments
}

/// Messages as they are told: op, code, and what went before.
fn messages(segments: &[Segment]) -> Vec<String> {
    let told = segments.iter().filter_map(|segment| segment.told.as_ref());
    told.filter_map(|told| match &told.said {
        Said::Message(message) => {
            Some(format!("{} {:?} {:?}", message.op, message.code, told.asides))
        }
        _ => None,
    })
    .collect()
}

proptest! {
    #[test]
    fn the_bytes_stay_the_same(
        stream in stream(),
        sizes in prop::collection::vec(1..50_usize, 1..8),
        driver in "nrepl|clojure|other",
    ) {
        let segments = segments(&driver, cut(&stream, &sizes));
        let out: Vec<u8> = segments.iter().flat_map(|one| one.bytes.to_vec()).collect();
        prop_assert_eq!(out, stream);
        let untold = segments.iter().filter(|one| one.told.is_none());
        prop_assert!(driver == "nrepl" || untold.count() == 0);
    }

    #[test]
    fn messages_are_told_alike_however_they_are_cut(
        messages_sent in prop::collection::vec(message(), 0..12),
        sizes in prop::collection::vec(1..50_usize, 1..8),
    ) {
        let stream = messages_sent.concat();
        let whole = segments("nrepl", cut(&stream, &[1 << 20]));
        prop_assert_eq!(whole.iter().filter(|one| !one.bytes.is_empty()).count(), messages_sent.len());
        let pieces = segments("nrepl", cut(&stream, &sizes));
        prop_assert_eq!(messages(&whole), messages(&pieces));
    }

    #[test]
    fn nothing_of_a_line_goes_on_before_its_end(
        lines in prop::collection::vec("[^\n]{0,30}", 1..8),
        sizes in prop::collection::vec(1..20_usize, 1..8),
    ) {
        let stream = lines.join("\n");
        let segments = segments("clojure", cut(stream.as_bytes(), &sizes));
        let Some((_, before)) = segments.split_last() else { return Ok(()) };
        prop_assert!(before.iter().all(|segment| segment.bytes.ends_with(b"\n")));
    }
}
