use bytes::{BufMut, BytesMut};

use crate::Value;

/// Appends the bytes of `value`, dicts with their keys in bytewise order.
pub fn encode(value: &Value, out: &mut BytesMut) {
    match value {
        Value::Int(number) => out.put_slice(format!("i{number}e").as_bytes()),
        Value::Bytes(bytes) => put_bytes(bytes, out),
        Value::List(items) => {
            out.put_u8(b'l');
            items.iter().for_each(|item| encode(item, out));
            out.put_u8(b'e');
        }
        Value::Dict(entries) => {
            out.put_u8(b'd');
            for (key, value) in entries {
                put_bytes(key, out);
                encode(value, out);
            }
            out.put_u8(b'e');
        }
    }
}

fn put_bytes(bytes: &[u8], out: &mut BytesMut) {
    out.put_slice(format!("{}:", bytes.len()).as_bytes());
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_as_nrepl_writes_it() {
        let mut out = BytesMut::new();
        encode(&Value::dict([("op", Value::from("describe")), ("id", "1".into())]), &mut out);
        assert_eq!(&out[..], b"d2:id1:12:op8:describee");
    }

    #[test]
    fn lengths_count_bytes_not_characters() {
        let mut out = BytesMut::new();
        encode(&Value::list(["é☃"]), &mut out);
        assert_eq!(&out[..], "l5:é☃e".as_bytes());
    }
}
