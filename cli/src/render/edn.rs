//! `-o edn`: one map; values are EDN where they are EDN, strings otherwise.

use prepl_core::ExitCode;
use prepl_fold::{Value, canonical};
use serde_json::Value as Json;

use super::{Results, json, record, safe};
use crate::problem::Problem;

const MAX_READ_BYTES: usize = 1 << 20;

/// The document of a run.
pub fn render(results: &Results, code: ExitCode) -> String {
    written(json::document(results, code))
}

/// The document of a command before which something went wrong.
pub fn error(problem: &Problem) -> String {
    written(serde_json::json!({ "error": record::error(problem) }))
}

/// Any JSON as EDN.
pub fn written(document: Json) -> String {
    let map = in_edn(document);
    // EDN strings know the same \uXXXX as JSON, and safe values have such characters there alone.
    safe::json(&canonical(&map)) + "\n"
}

/// JSON in EDN's words: keys become keywords, `value` becomes what the runtime printed.
fn in_edn(json: Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => Value::Number(number.to_string()),
        Json::String(text) => Value::Str(text),
        Json::Array(items) => Value::Vector(items.into_iter().map(in_edn).collect()),
        Json::Object(object) => {
            let printed = object.get("text").and_then(Json::as_str).and_then(own_words);
            let pairs = object.into_iter().filter(|(key, _)| key != "value");
            let mut pairs: Vec<_> =
                pairs.map(|(key, value)| (keyword(&key), in_edn(value))).collect();
            pairs.extend(printed.map(|value| (keyword("value"), value)));
            Value::map(pairs)
        }
    }
}

/// What the runtime printed, if that is EDN that every reader takes.
pub(crate) fn own_words(text: &str) -> Option<Value> {
    prepl_fold::read(text, MAX_READ_BYTES).filter(is_edn)
}

/// Whether every reader of EDN takes it, and no terminal minds.
pub fn is_edn(value: &Value) -> bool {
    match value {
        Value::Opaque(_) => false,
        // A quote, as Scheme prints it, or #=, which some readers evaluate.
        Value::Tagged(tag, _) if !tag.starts_with(char::is_alphabetic) => false,
        Value::Char(text) | Value::Number(text) | Value::Keyword(text) | Value::Symbol(text) => {
            !text.chars().any(safe::is_dangerous)
        }
        Value::List(items) | Value::Vector(items) | Value::Set(items) => items.iter().all(is_edn),
        Value::Map(pairs) => pairs.iter().all(|(key, value)| is_edn(key) && is_edn(value)),
        Value::Tagged(tag, value) => !tag.chars().any(safe::is_dangerous) && is_edn(value),
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Str(_) => true,
    }
}

fn keyword(name: &str) -> Value {
    Value::Keyword(format!(":{}", name.replace('_', "-")))
}

#[cfg(test)]
mod any_text {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_taken_for_edn_is_read_again(text in "[-'#^@`~_:/(){}\\[\\]\"\\\\a1 ]{0,6}\\PC{0,3}") {
            if let Some(value) = own_words(&text) {
                let written = canonical(&value);
                prop_assert!(prepl_fold::read(&written, MAX_READ_BYTES).is_some(), "{written}");
            }
        }
    }
}
