//! One value in a cell, for people, for spreadsheets and for programs.

use prepl_fold::{Value, read};
use serde_json::Value as Json;

use crate::render::parsed;

/// Longer texts are no number, and nobody takes them for one.
const MAX_MISTAKEN: usize = 64;

/// For people: a string stands bare, unless it would read as something else.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) if is_mistaken(text) => value.to_string(),
        Value::Nil => "nil".to_owned(),
        value => plain(value),
    }
}

/// For a spreadsheet: the text alone; nothing for nil.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Nil => String::new(),
        Value::Str(text) => text.clone(),
        Value::Int(digits) => digits.as_str().trim_end_matches('N').to_owned(),
        Value::Number(text) => text.strip_suffix('M').unwrap_or(text).to_owned(),
        Value::Tagged(tag, inner) if matches!(&**tag, "inst" | "uuid") => plain(inner),
        other => other.to_string(),
    }
}

/// For programs: as JSON says it, else the text.
pub fn json(value: &Value) -> Json {
    parsed::json(value).unwrap_or_else(|| Json::String(value.to_string()))
}

/// Whether a bare text would look like another value, or like nothing.
fn is_mistaken(text: &str) -> bool {
    let other = || read(text, MAX_MISTAKEN).is_some_and(|value| !matches!(value, Value::Symbol(_)));
    text.trim() != text || text.is_empty() || other()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(of: impl Fn(&Value) -> String, texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| of(&read(text, 1000).unwrap())).collect()
    }

    #[test]
    fn people_see_strings_bare_unless_they_look_like_another_value() {
        let strings = [r#""open""#, r#""to be paid""#, r#""42""#, r#""nil""#, r#""""#, r#"" a""#];
        let wanted = ["open", "to be paid", "\"42\"", "\"nil\"", "\"\"", "\" a\""];
        assert_eq!(each(shown, &strings), wanted);
        let others = ["42", "nil", ":open", "1.50M", "7N", "[1 \"a\"]", "#inst \"2026-01-01\""];
        let wanted = ["42", "nil", ":open", "1.50", "7", "[1 \"a\"]", "2026-01-01"];
        assert_eq!(each(shown, &others), wanted);
    }

    #[test]
    fn a_spreadsheet_gets_the_text() {
        let texts = ["nil", "\"42\"", ":open", "#uuid \"a-b\"", "{:a 1}", "#shop.Cart{:n 1}"];
        let wanted = ["", "42", ":open", "a-b", "{:a 1}", "#shop.Cart {:n 1}"];
        assert_eq!(each(plain, &texts), wanted);
    }

    #[test]
    fn programs_get_json_and_text_where_that_cannot_be() {
        let texts = ["[1 nil]", "#<void>", "[#<void>]"];
        let wanted = ["[1,null]", "\"#<void>\"", "\"[#<void>]\""];
        assert_eq!(each(|value| json(value).to_string(), &texts), wanted);
    }
}
