//! JSON to values and back.

use rhai::{Dynamic, Map};
use serde_json::Value;

use super::Seen;

/// As deep as a text of JSON may nest when it is read, so what is written can be read.
const DEPTH: usize = 127;

pub(super) fn register(rhai: &mut rhai::Engine) {
    rhai.register_fn("parse_json", parse_json);
    rhai.register_fn("to_json", |value: Dynamic| to_json(&value));
    rhai.register_fn("to_json", |map: &mut Map| to_json(&Dynamic::from_map(map.clone())));
}

fn parse_json(text: &str) -> Seen<Dynamic> {
    let value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    Ok(read(value))
}

/// Recursion is safe: the parser refuses more than 128 levels.
fn read(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(truth) => truth.into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => Dynamic::from_array(items.into_iter().map(read).collect()),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key.into(), read(value)));
            Dynamic::from_map(entries.collect())
        }
    }
}

fn to_json(value: &Dynamic) -> Seen<String> {
    Ok(write(value, DEPTH)?.to_string())
}

fn write(value: &Dynamic, depth: usize) -> Seen<Value> {
    if let Ok(items) = value.as_array_ref() {
        let depth = deeper(depth)?;
        let items: Seen<Vec<_>> = items.iter().map(|item| write(item, depth)).collect();
        return Ok(Value::Array(items?));
    }
    if let Ok(map) = value.as_map_ref() {
        let depth = deeper(depth)?;
        let entry = |(key, value): (&_, _)| Ok((ToString::to_string(key), write(value, depth)?));
        return Ok(Value::Object(map.iter().map(entry).collect::<Seen<_>>()?));
    }
    write_leaf(value)
}

fn deeper(depth: usize) -> Seen<usize> {
    depth.checked_sub(1).ok_or_else(|| format!("JSON ends at {DEPTH} levels").into())
}

fn write_leaf(value: &Dynamic) -> Seen<Value> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Value::from(text.as_str()));
    }
    if let Ok(letter) = value.as_char() {
        return Ok(Value::from(letter.to_string()));
    }
    if let Ok(truth) = value.as_bool() {
        return Ok(Value::from(truth));
    }
    if let Ok(whole) = value.as_int() {
        return Ok(Value::from(whole));
    }
    match value.as_float() {
        Ok(number) if number.is_finite() => Ok(Value::from(number)),
        _ => Err(format!("JSON has no form for a {}", value.type_name()).into()),
    }
}
