//! A printed value as JSON, where JSON can say it.

use prepl_fold::Value;
use serde_json::{Map, Number, Value as Json};

/// Largest text that is parsed; a larger one is given as text alone.
const MAX_PARSED_BYTES: usize = 1 << 20;

/// Reads a printed value; `None` when it is no value JSON can hold without loss of parts.
///
/// Keywords lose their colon, sets become arrays, numbers beyond JSON's become strings.
pub fn parsed(text: &str) -> Option<Json> {
    json(&prepl_fold::read(text, MAX_PARSED_BYTES)?)
}

/// The columns of a flat map: keys and values that are no collections.
pub fn flat_map(text: &str) -> Option<Vec<(String, String)>> {
    let Value::Map(pairs) = prepl_fold::read(text, MAX_PARSED_BYTES)? else { return None };
    let flat = pairs.iter().all(|(key, value)| is_leaf(key) && is_leaf(value));
    let cells = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    (flat && !pairs.is_empty()).then(|| cells.collect())
}

fn is_leaf(value: &Value) -> bool {
    !matches!(
        value,
        Value::List(_) | Value::Vector(_) | Value::Map(_) | Value::Set(_) | Value::Tagged(..)
    )
}

/// A value as JSON; `None` as for [`parsed`].
pub fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(digits) => integer(digits.as_str()),
        Value::Number(text) => decimal(text),
        Value::Char(text) | Value::Str(text) | Value::Symbol(text) => Json::String(text.clone()),
        Value::Keyword(text) => Json::String(without_colon(text)),
        Value::List(items) | Value::Vector(items) | Value::Set(items) => {
            Json::Array(items.iter().map(json).collect::<Option<_>>()?)
        }
        Value::Map(pairs) => object(pairs)?,
        Value::Tagged(_, inner) => json(inner)?,
        Value::Opaque(_) => return None,
    })
}

fn integer(digits: &str) -> Json {
    let plain = digits.trim_start_matches('+').trim_end_matches('N');
    match (plain.parse::<i64>(), plain.parse::<u64>()) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => Json::String(digits.to_owned()),
    }
}

fn decimal(text: &str) -> Json {
    let number = text.parse().ok().and_then(Number::from_f64);
    number.map_or_else(|| Json::String(text.to_owned()), Json::Number)
}

/// An object; `None` when two keys would become one.
fn object(pairs: &[(Value, Value)]) -> Option<Json> {
    let mut object = Map::new();
    for (key, value) in pairs {
        let key = match key {
            Value::Str(text) => text.clone(),
            Value::Keyword(text) => without_colon(text),
            other => other.to_string(),
        };
        if object.insert(key, json(value)?).is_some() {
            return None;
        }
    }
    Some(Json::Object(object))
}

fn without_colon(keyword: &str) -> String {
    keyword.strip_prefix(':').unwrap_or(keyword).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn edn_and_json_become_json() {
        let value = parsed("{:gen 118, :zones #{:a \"b\"}, :ratio 1/3, :at [nil true 1.5]}");
        let expected =
            json!({"gen": 118, "zones": ["b", "a"], "ratio": "1/3", "at": [null, true, 1.5]});
        assert_eq!(value, Some(expected));
        assert_eq!(parsed(r#"{"a": [1, null]}"#), Some(json!({"a": [1, null]})));
    }

    #[test]
    fn what_json_cannot_say_is_not_said() {
        assert_eq!(parsed("#<void>"), None);
        assert_eq!(parsed("{:a 1 \"a\" 2}"), None);
        assert_eq!(
            parsed("123456789012345678901234567890"),
            Some(json!("123456789012345678901234567890"))
        );
    }

    #[test]
    fn only_flat_maps_have_columns() {
        let columns =
            vec![(":a".to_owned(), "1".to_owned()), (":b".to_owned(), "\"x\"".to_owned())];
        assert_eq!(flat_map("{:b \"x\" :a 1}"), Some(columns));
        assert_eq!(flat_map("{:a [1]}"), None);
        assert_eq!(flat_map("{}"), None);
        assert_eq!(flat_map("[1]"), None);
    }
}
