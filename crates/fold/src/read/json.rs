//! JSON and its relatives: Rhai's `#{…}` and `()`, Python's and JavaScript's quotes and words.
//!
//! Source: RFC 8259.

use super::scan::Scanner;
use crate::Value;

/// Reads the next value.
pub(super) fn value(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    scanner.enter(depth)?;
    scanner.skip_space();
    if scanner.take("#{") || scanner.take("{") {
        return map(scanner, depth);
    }
    if scanner.take("[") {
        return Some(Value::Vector(items(scanner, "]", depth)?));
    }
    if scanner.take("(") {
        let items = items(scanner, ")", depth)?;
        return Some(if items.is_empty() { Value::Nil } else { Value::List(items) });
    }
    match scanner.peek()? {
        quote @ ('"' | '\'') => {
            scanner.next();
            scanner.string(quote).map(Value::Str)
        }
        _ => word(scanner.word(ends_word)),
    }
}

fn items(scanner: &mut Scanner<'_>, close: &str, depth: usize) -> Option<Vec<Value>> {
    let mut items = Vec::new();
    loop {
        scanner.skip_space();
        if scanner.take(close) {
            return Some(items);
        }
        items.push(value(scanner, depth + 1)?);
        comma(scanner, close)?;
    }
}

fn map(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    let mut pairs = Vec::new();
    loop {
        scanner.skip_space();
        if scanner.take("}") {
            return Some(Value::map(pairs));
        }
        let key = value(scanner, depth + 1)?;
        scanner.skip_space();
        if !scanner.take(":") {
            return None;
        }
        pairs.push((key, value(scanner, depth + 1)?));
        comma(scanner, "}")?;
    }
}

/// Takes a comma, or stays before the closing bracket.
fn comma(scanner: &mut Scanner<'_>, close: &str) -> Option<()> {
    scanner.skip_space();
    (scanner.take(",") || scanner.rest().starts_with(close)).then_some(())
}

fn word(word: &str) -> Option<Value> {
    match word {
        "null" | "None" | "nil" => return Some(Value::Nil),
        "true" | "True" => return Some(Value::Bool(true)),
        "false" | "False" => return Some(Value::Bool(false)),
        _ => {}
    }
    let is_name = word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let name = || is_name.then(|| Value::Symbol(word.to_owned()));
    super::number(word).or_else(name)
}

fn ends_word(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || matches!(character, '_' | '$' | '.' | '+' | '-'))
}
