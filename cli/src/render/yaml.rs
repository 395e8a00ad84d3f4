//! `-o yaml`: the document of `json`, as YAML 1.2.

use std::fmt::Write as _;

use prepl_core::ExitCode;
use serde_json::Value as Json;

use super::safe::is_dangerous;
use super::{Results, json, record};
use crate::problem::Problem;

/// The document of a run.
pub fn render(results: &Results, code: ExitCode) -> String {
    written(&json::document(results, code))
}

/// The document of a command before which something went wrong.
pub fn error(problem: &Problem) -> String {
    written(&serde_json::json!({ "error": record::error(problem) }))
}

/// Any JSON as YAML.
pub fn written(document: &Json) -> String {
    let mut text = String::new();
    block(&mut text, document, 0);
    text
}

fn block(text: &mut String, value: &Json, depth: usize) {
    match value {
        Json::Object(object) if !object.is_empty() => {
            for (place, (key, value)) in object.iter().enumerate() {
                indent(text, if place == 0 { 0 } else { depth });
                text.push_str(&scalar(key));
                text.push(':');
                nested(text, value, depth);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                indent(text, if place == 0 { 0 } else { depth });
                text.push_str("- ");
                block(text, item, depth + 1);
            }
        }
        leaf => {
            text.push_str(&flow(leaf));
            text.push('\n');
        }
    }
}

/// What follows `key:`, on the same line or below it.
fn nested(text: &mut String, value: &Json, depth: usize) {
    let filled = value.as_object().is_some_and(|object| !object.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty());
    if filled {
        text.push('\n');
        indent(text, depth + 1);
        block(text, value, depth + 1);
    } else {
        text.push(' ');
        block(text, value, depth);
    }
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

fn flow(leaf: &Json) -> String {
    leaf.as_str().map_or_else(|| leaf.to_string(), scalar)
}

/// A plain scalar where YAML cannot mistake it, a quoted one otherwise.
fn scalar(text: &str) -> String {
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts_plain && !word && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut shown = String::from('"');
    for c in text.chars() {
        match c {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            c if is_dangerous(c) => {
                let _ = write!(shown, "\\U{:08x}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nesting_is_by_indentation() {
        let document = json!({"a": [{"b": 1, "c": "x y"}, []], "d": {}, "e": {"f": null}});
        let expected = "a:\n  - b: 1\n    c: \"x y\"\n  - []\nd: {}\ne:\n  f: null\n";
        assert_eq!(written(&document), expected);
    }

    #[test]
    fn words_that_yaml_would_read_otherwise_are_quoted() {
        for text in ["no", "1e3", "", "a: b", "- x", "~", "a\u{202e}b\x1b\n"] {
            let shown = scalar(text);
            assert!(shown.starts_with('"') && !shown.chars().any(is_dangerous), "{shown}");
        }
        assert_eq!(scalar("api-6f7c9"), "api-6f7c9");
    }
}
