//! What the decoder accepts, what it waits for and what it refuses.

use bytes::BytesMut;
use prepl_bencode::{Decoder, MAX_DEPTH, MAX_ELEMENTS, Malformed, Value};

fn decode(bytes: &[u8]) -> Result<Option<Value>, Malformed> {
    Decoder::default().decode(&mut BytesMut::from(bytes))
}

fn refusal(bytes: &[u8]) -> Malformed {
    match decode(bytes) {
        Err(malformed) => malformed,
        Ok(found) => panic!("expected a refusal, found {found:?}"),
    }
}

#[test]
fn a_reply_of_a_real_server_is_read() {
    let reply = b"d2:id1:32:ns4:user5:value1:36:statusl4:doneee";
    let message = decode(reply).unwrap().unwrap();
    assert_eq!(message.get_str("value"), Some("3"));
    assert_eq!(message.get_strs("status"), ["done"]);
}

#[test]
fn keys_come_in_any_order() {
    let message = decode(b"d2:op4:eval2:id1:7e").unwrap().unwrap();
    assert_eq!(message.get_str("id"), Some("7"));
}

#[test]
fn numbers_of_64_bits_are_read() {
    assert_eq!(decode(b"i0e"), Ok(Some(Value::Int(0))));
    assert_eq!(decode(b"i-1e"), Ok(Some(Value::Int(-1))));
    assert_eq!(decode(b"i9223372036854775807e"), Ok(Some(Value::Int(i64::MAX))));
    assert_eq!(decode(b"i-9223372036854775808e"), Ok(Some(Value::Int(i64::MIN))));
}

#[test]
fn several_messages_in_one_piece_come_one_by_one() {
    let mut input = BytesMut::from(&b"i1ele0:d"[..]);
    let mut decoder = Decoder::default();
    assert_eq!(decoder.decode(&mut input), Ok(Some(Value::Int(1))));
    assert_eq!(decoder.decode(&mut input), Ok(Some(Value::List(vec![]))));
    assert_eq!(decoder.decode(&mut input), Ok(Some(Value::from(""))));
    assert!(!decoder.is_inside_message());
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert!(decoder.is_inside_message());
}

#[test]
fn a_cut_message_asks_for_more() {
    let whole = b"d2:idi-42e6:statusl4:done5:errore1:xdee";
    for cut in 0..whole.len() {
        assert_eq!(decode(&whole[..cut]), Ok(None), "cut at {cut}");
    }
    assert!(decode(whole).unwrap().is_some());
}

#[test]
fn a_byte_that_starts_nothing_is_refused_at_once() {
    assert_eq!(refusal(b"GET / HTTP/1.1\r\n"), Malformed::UnexpectedByte(b'G'));
    assert_eq!(refusal(b"d2:id-"), Malformed::UnexpectedByte(b'-'));
}

#[test]
fn badly_written_numbers_are_refused() {
    for bytes in
        ["ie", "i-e", "i-0e", "i03e", "i1-2e", "i+1e", "i1.5e", "i 1e", "03:abc", "1-:a", "1e"]
    {
        assert_eq!(refusal(bytes.as_bytes()), Malformed::BadNumber, "{bytes}");
    }
}

#[test]
fn numbers_over_64_bits_are_refused() {
    assert_eq!(refusal(b"i9223372036854775808e"), Malformed::NumberOutOfRange);
    assert_eq!(refusal(b"i111111111111111111111"), Malformed::NumberOutOfRange);
    assert_eq!(refusal(b"99999999999"), Malformed::NumberOutOfRange);
}

#[test]
fn ends_without_a_start_are_refused() {
    assert_eq!(refusal(b"e"), Malformed::UnexpectedEnd);
    assert_eq!(refusal(b"d2:ide"), Malformed::UnexpectedEnd);
}

#[test]
fn dict_keys_must_be_strings_and_differ() {
    assert_eq!(refusal(b"di1ei2ee"), Malformed::KeyNotString);
    assert_eq!(refusal(b"dlei2ee"), Malformed::KeyNotString);
    assert_eq!(refusal(b"d1:ai1e1:ai2ee"), Malformed::DuplicateKey);
}

#[test]
fn a_claimed_length_over_the_limit_is_refused_before_the_bytes_come() {
    let mut decoder = Decoder::new(100);
    let refused = decoder.decode(&mut BytesMut::from(&b"d4:code97:"[..]));
    assert_eq!(refused, Err(Malformed::TooLarge { limit: 100 }));
}

#[test]
fn the_limit_counts_a_whole_message_and_starts_again_with_the_next() {
    let mut decoder = Decoder::new(10);
    let mut input = BytesMut::from(&b"8:12345678l2:ab2:cdel2:ab2:cd1:xe"[..]);
    assert!(decoder.decode(&mut input).unwrap().is_some());
    assert!(decoder.decode(&mut input).unwrap().is_some());
    assert_eq!(decoder.decode(&mut input), Err(Malformed::TooLarge { limit: 10 }));
}

#[test]
fn nesting_is_bounded() {
    let deep = |levels: usize| ["l".repeat(levels), "e".repeat(levels)].concat();
    assert!(decode(deep(MAX_DEPTH).as_bytes()).unwrap().is_some());
    assert_eq!(refusal(deep(MAX_DEPTH + 1).as_bytes()), Malformed::TooDeep);
    assert_eq!(refusal("d1:a".repeat(1_000_000).as_bytes()), Malformed::TooDeep);
}

#[test]
fn the_number_of_elements_is_bounded() {
    let list = |items: usize| ["l", &"le".repeat(items), "e"].concat();
    assert!(decode(list(MAX_ELEMENTS - 1).as_bytes()).unwrap().is_some());
    assert_eq!(refusal(list(MAX_ELEMENTS).as_bytes()), Malformed::TooManyElements);
}

#[test]
fn after_a_malformed_message_nothing_more_is_read() {
    let mut decoder = Decoder::default();
    assert!(decoder.decode(&mut BytesMut::from(&b"x"[..])).is_err());
    let again = decoder.decode(&mut BytesMut::from(&b"i1e"[..]));
    assert_eq!(again, Err(Malformed::UnexpectedByte(b'x')));
}

#[test]
fn a_big_message_in_small_pieces_is_read_whole() {
    let mut whole = format!("{}:", 15 << 20).into_bytes();
    whole.resize(whole.len() + (15 << 20), b'x');
    let (mut decoder, mut input, mut found) = (Decoder::default(), BytesMut::new(), None);
    for piece in whole.chunks(1024) {
        input.extend_from_slice(piece);
        found = decoder.decode(&mut input).unwrap();
    }
    assert_eq!(found.unwrap().as_bytes().unwrap().len(), 15 << 20);
}

#[test]
fn a_long_string_is_read_whole_and_kept_in_part() {
    let (mut decoder, mut input) = (Decoder::default(), BytesMut::new());
    decoder.keep_of_each_string(3);
    let mut found = Vec::new();
    for piece in b"l5:abcde2:fg4:hijkei7e".chunks(4) {
        input.extend_from_slice(piece);
        while let Some(value) = decoder.decode(&mut input).unwrap() {
            found.push((value, decoder.left_out()));
        }
    }
    assert_eq!(found, [(Value::list(["abc", "fg", "hij"]), 3), (Value::Int(7), 0)]);
}

#[test]
fn what_an_unfinished_message_holds_is_told() {
    let (mut decoder, mut input) = (Decoder::default(), BytesMut::new());
    decoder.keep_of_each_string(1000);
    input.extend_from_slice(format!("l5000:{}", "x".repeat(4999)).as_bytes());
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert!(input.is_empty(), "the string left the caller's buffer");
    assert!((1000..1500).contains(&decoder.held()), "{}", decoder.held());
    input.extend_from_slice(b"xe");
    assert!(decoder.decode(&mut input).unwrap().is_some());
    assert_eq!(decoder.held(), 0);
}
