//! Any value that can be written is read again as itself.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use prepl_bencode::{Decoder, Value, encode};

#[derive(Debug)]
struct Nested(Value);

impl<'a> Arbitrary<'a> for Nested {
    fn arbitrary(source: &mut Unstructured<'a>) -> Result<Nested> {
        nested(source, 32).map(Nested)
    }
}

fn nested(source: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    Ok(match source.int_in_range(0..=if depth == 0 { 1 } else { 3 })? {
        0 => Value::Int(source.arbitrary()?),
        1 => Value::Bytes(source.arbitrary()?),
        2 => {
            let items = source.int_in_range(0..=5)?;
            Value::List((0..items).map(|_| nested(source, depth - 1)).collect::<Result<_>>()?)
        }
        _ => {
            let entries = source.int_in_range(0..=5)?;
            let pair = |_| Ok((source.arbitrary()?, nested(source, depth - 1)?));
            Value::Dict((0..entries).map(pair).collect::<Result<BTreeMap<_, _>>>()?)
        }
    })
}

fuzz_target!(|nested: Nested| {
    let mut bytes = BytesMut::new();
    encode(&nested.0, &mut bytes);
    assert_eq!(Decoder::default().decode(&mut bytes), Ok(Some(nested.0)));
    assert!(bytes.is_empty());
});
