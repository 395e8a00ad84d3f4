//! One byte form for each JSON value: what is hashed and what stands in the file.

use serde_json::Value;

/// Largest integer that every reader of JSON keeps exactly: 2^53 - 1 (RFC 7493).
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A value outside the subset: a fraction, a null, a large integer or a key that is not ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record holds something else than texts, integers, booleans, arrays and objects")]
pub struct NotCanonical;

/// Sorted keys, no spaces, shortest escapes: RFC 8785 for the subset that records use.
pub(crate) fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => return Err(NotCanonical),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&integer(number)?),
        Value::String(text) => write_text(text, out)?,
        Value::Array(items) => separated(out, '[', ']', items.iter(), write)?,
        Value::Object(members) => {
            // Not every build of serde_json sorts its maps. Bytes of ASCII sort as UTF-16 does.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            separated(out, '{', '}', members.into_iter(), write_member)?;
        }
    }
    Ok(())
}

fn write_member((key, value): (&String, &Value), out: &mut String) -> Result<(), NotCanonical> {
    if !key.is_ascii() {
        return Err(NotCanonical);
    }
    write_text(key, out)?;
    out.push(':');
    write(value, out)
}

/// serde_json escapes as RFC 8785 does: two-letter escapes, then `\u00xx`, all else as it is.
pub(crate) fn write_text(text: &str, out: &mut String) -> Result<(), NotCanonical> {
    out.push_str(&serde_json::to_string(text).map_err(|_| NotCanonical)?);
    Ok(())
}

fn integer(number: &serde_json::Number) -> Result<String, NotCanonical> {
    let signed = number.as_i64().ok_or(NotCanonical)?;
    match signed.unsigned_abs() <= MAX_INTEGER {
        true => Ok(signed.to_string()),
        false => Err(NotCanonical),
    }
}

fn separated<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    write: impl Fn(T, &mut String) -> Result<(), NotCanonical>,
) -> Result<(), NotCanonical> {
    out.push(open);
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(close);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_nothing_is_spaced() {
        let value = json!({"b": [1, -2, true], "a": {"z": "ü\u{7f}", "Z": "\u{1}\n\"\\/"}});
        let text = r#"{"a":{"Z":"\u0001\n\"\\/","z":"ü"},"b":[1,-2,true]}"#.replace('ü', "ü\u{7f}");
        assert_eq!(canonical(&value), Ok(text));
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        let values =
            [json!(1.5), json!(null), json!(1u64 << 53), json!({"ü": 1}), json!([u64::MAX])];
        for value in values {
            assert_eq!(canonical(&value), Err(NotCanonical), "{value}");
        }
        assert_eq!(canonical(&json!(MAX_INTEGER)), Ok("9007199254740991".to_owned()));
        assert_eq!(canonical(&json!(-9_007_199_254_740_991_i64)).map(|t| t.len()), Ok(17));
    }
}
