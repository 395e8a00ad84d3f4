//! Any bytes in any pieces: the same values or the same refusal as in one piece.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use prepl_bencode::{Decoder, Malformed, Value};

const LIMIT: usize = 64 * 1024;

fn decode(bytes: &[u8], piece: usize) -> (Vec<Value>, Option<Malformed>) {
    let (mut decoder, mut input, mut values) = (Decoder::new(LIMIT), BytesMut::new(), vec![]);
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(malformed) => return (values, Some(malformed)),
            }
        }
    }
    (values, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, stream)) = data.split_first() else { return };
    let piece = usize::from(first) + 1;
    assert_eq!(decode(stream, piece), decode(stream, stream.len().max(1)));
});
