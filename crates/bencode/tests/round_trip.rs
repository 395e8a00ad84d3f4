//! What is written can be read again, however the stream is cut.

use bytes::BytesMut;
use prepl_bencode::{Decoder, Malformed, Value, encode};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<i64>().prop_map(Value::Int), text().prop_map(Value::Bytes)];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            btree_map(text(), inner, 0..6).prop_map(Value::Dict),
        ]
    })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..20)
}

/// Feeds `stream` in pieces of the given sizes, over and over.
fn decode_in_pieces(mut stream: &[u8], sizes: &[usize]) -> Result<Vec<Value>, Malformed> {
    let (mut decoder, mut input, mut values) = (Decoder::default(), BytesMut::new(), vec![]);
    for &size in sizes.iter().cycle() {
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        input.extend_from_slice(piece);
        while let Some(value) = decoder.decode(&mut input)? {
            values.push(value);
        }
        stream = rest;
        if stream.is_empty() {
            break;
        }
    }
    assert!(input.is_empty() && !decoder.is_inside_message());
    Ok(values)
}

proptest! {
    #[test]
    fn values_survive_any_split_of_the_stream(
        values in vec(value(), 1..5),
        sizes in vec(1usize..12, 1..20),
    ) {
        let mut stream = BytesMut::new();
        values.iter().for_each(|value| encode(value, &mut stream));
        prop_assert_eq!(decode_in_pieces(&stream, &sizes), Ok(values));
    }

    #[test]
    fn any_bytes_end_in_values_a_wait_or_a_refusal(bytes in vec(any::<u8>(), 0..200)) {
        let (mut decoder, mut input) = (Decoder::new(1000), BytesMut::from(&bytes[..]));
        while let Ok(Some(_)) = decoder.decode(&mut input) {}
    }

    #[test]
    fn bencode_like_bytes_end_in_values_a_wait_or_a_refusal(text in "[ilde0-9:-]{0,200}") {
        let (mut decoder, mut input) = (Decoder::new(1000), BytesMut::from(text.as_bytes()));
        while let Ok(Some(value)) = decoder.decode(&mut input) {
            let mut again = BytesMut::new();
            encode(&value, &mut again);
            prop_assert_eq!(Decoder::default().decode(&mut again), Ok(Some(value)));
        }
    }
}
