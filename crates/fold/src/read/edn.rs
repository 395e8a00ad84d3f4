//! EDN as Clojure's `pr` prints it, and what Scheme prints in its stead.
//!
//! A colon at the end of a word, or right after a string, is never printed by these: such a
//! text is of the other dialect and is not read here. Metadata is no part of a value.
//!
//! Source: the EDN page (edn-format), and Clojure's `print_method`.

use super::identity::without_identity;
use super::scan::{Scanner, ends_word};
use crate::Value;

/// Reads the next value.
pub(super) fn value(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    scanner.enter(depth)?;
    scanner.skip_blank();
    match scanner.peek()? {
        '(' => Some(Value::List(items(scanner, ')', depth)?)),
        '[' => Some(Value::Vector(items(scanner, ']', depth)?)),
        '{' => map(scanner, depth),
        '"' => string(scanner),
        '\\' => character(scanner),
        '#' => dispatch(scanner, depth),
        '^' => without_metadata(scanner, depth),
        '\'' => quoted(scanner, depth),
        _ => word(scanner),
    }
}

/// Values between brackets; the opening one comes next.
fn items(scanner: &mut Scanner<'_>, close: char, depth: usize) -> Option<Vec<Value>> {
    scanner.next()?;
    let mut items = Vec::new();
    loop {
        scanner.skip_blank();
        if scanner.peek()? == close {
            scanner.next();
            return Some(items);
        }
        items.push(value(scanner, depth + 1)?);
    }
}

fn map(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    let mut items = items(scanner, '}', depth)?.into_iter();
    let mut pairs = Vec::with_capacity(items.len() / 2);
    while let Some(key) = items.next() {
        pairs.push((key, items.next()?));
    }
    Some(Value::map(pairs))
}

fn string(scanner: &mut Scanner<'_>) -> Option<Value> {
    scanner.next()?;
    let content = scanner.string('"')?;
    (scanner.peek() != Some(':')).then_some(Value::Str(content))
}

fn character(scanner: &mut Scanner<'_>) -> Option<Value> {
    scanner.next()?;
    let first = scanner.next()?;
    Some(Value::Char(format!("{first}{}", scanner.word(ends_word))))
}

fn without_metadata(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    scanner.next()?;
    value(scanner, depth + 1)?;
    value(scanner, depth + 1)
}

/// `'(1 2)` of Scheme; a quote before a leaf is Scheme's only where nothing is around it.
fn quoted(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    scanner.next()?;
    let value = value(scanner, depth + 1)?;
    let has_parts =
        matches!(value, Value::List(_) | Value::Vector(_) | Value::Map(_) | Value::Set(_));
    (depth == 0 || has_parts).then(|| Value::Tagged("'".to_owned(), Box::new(value)))
}

fn word(scanner: &mut Scanner<'_>) -> Option<Value> {
    let word = scanner.word(ends_word);
    match word {
        "nil" => return Some(Value::Nil),
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ if word.is_empty() || word.ends_with(':') => return None,
        _ => {}
    }
    if word.starts_with(':') {
        return Some(Value::Keyword(word.to_owned()));
    }
    super::number(word).or_else(|| Some(Value::Symbol(word.to_owned())))
}

/// What follows a `#`.
fn dispatch(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    let from = scanner.rest();
    scanner.next()?;
    match scanner.peek() {
        Some('{') => Some(Value::set(items(scanner, '}', depth)?)),
        Some('(') => Some(Value::Vector(items(scanner, ')', depth)?)),
        Some('"') => regex(scanner, from),
        Some('<') => angled(scanner, from),
        Some('\\') => character(scanner),
        Some('^') => without_metadata(scanner, depth),
        Some('\'') => Some(Value::Opaque(format!("#{}", scanner.word(ends_word)))),
        Some('#') => symbolic(scanner.word(ends_word)),
        Some(':') => namespaced(scanner, depth),
        // Clojure prints a bare # for what lies deeper than *print-level*.
        None | Some(')' | ']' | '}') => Some(Value::Symbol("#".to_owned())),
        Some(blank) if super::scan::is_blank(blank) => Some(Value::Symbol("#".to_owned())),
        Some(_) => tagged(scanner, depth),
    }
}

/// What Clojure prints for the three doubles without digits.
fn symbolic(word: &str) -> Option<Value> {
    let is_known = matches!(word, "#Inf" | "#-Inf" | "#NaN");
    is_known.then(|| Value::Number(format!("#{word}")))
}

fn regex<'a>(scanner: &mut Scanner<'a>, from: &'a str) -> Option<Value> {
    scanner.next()?;
    loop {
        match scanner.next()? {
            '\\' => scanner.next().map(drop)?,
            '"' => return Some(Value::Opaque(taken(from, scanner).to_owned())),
            _ => {}
        }
    }
}

/// `#<…>`, with the same number of closing angles as of opening ones.
fn angled<'a>(scanner: &mut Scanner<'a>, from: &'a str) -> Option<Value> {
    let mut open = 0usize;
    loop {
        match scanner.next()? {
            '<' => open += 1,
            '>' if open == 1 => {
                return Some(Value::Opaque(without_identity(taken(from, scanner))));
            }
            '>' => open -= 1,
            _ => {}
        }
    }
}

fn taken<'a>(from: &'a str, scanner: &Scanner<'a>) -> &'a str {
    &from[..from.len() - scanner.rest().len()]
}

/// `#:shop{:id 1}`, which stands for `{:shop/id 1}`.
fn namespaced(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    scanner.next()?;
    let namespace = scanner.word(ends_word);
    let is_name = namespace.starts_with(|first: char| first.is_alphabetic());
    let Value::Map(pairs) =
        (is_name && scanner.peek() == Some('{')).then(|| map(scanner, depth)).flatten()?
    else {
        return None;
    };
    Some(Value::map(
        pairs.into_iter().map(|(key, value)| (qualified(namespace, key), value)).collect(),
    ))
}

fn qualified(namespace: &str, key: Value) -> Value {
    match key {
        Value::Keyword(name) => match name.strip_prefix(":_/") {
            Some(bare) if !bare.is_empty() => Value::Keyword(format!(":{bare}")),
            _ if name.contains('/') => Value::Keyword(name),
            _ => Value::Keyword(format!(":{namespace}/{}", &name[1..])),
        },
        Value::Symbol(name) if !name.contains('/') => Value::Symbol(format!("{namespace}/{name}")),
        other => other,
    }
}

fn tagged(scanner: &mut Scanner<'_>, depth: usize) -> Option<Value> {
    let tag = scanner.word(ends_word);
    match tag {
        "true" | "t" => return Some(Value::Bool(true)),
        "false" | "f" => return Some(Value::Bool(false)),
        "" => return None,
        _ => {}
    }
    Some(match (tag, value(scanner, depth + 1)?) {
        ("hash", Value::List(entries)) => scheme_hash(entries),
        ("object", Value::Vector(parts)) => object(parts),
        (tag, value) => Value::Tagged(tag.to_owned(), Box::new(value)),
    })
}

/// `#hash((key . value) …)` of Scheme is a map.
fn scheme_hash(entries: Vec<Value>) -> Value {
    let pair = |entry: &Value| match entry {
        Value::List(parts) => match parts.as_slice() {
            [key, Value::Symbol(dot), value] if dot == "." => Some((key.clone(), value.clone())),
            _ => None,
        },
        _ => None,
    };
    match entries.iter().map(pair).collect() {
        Some(pairs) => Value::map(pairs),
        None => Value::Tagged("hash".to_owned(), Box::new(Value::List(entries))),
    }
}

/// `#object[Class 0x1f …]`: the identity hash differs in every process and is no value.
fn object(mut parts: Vec<Value>) -> Value {
    parts.retain(|part| !matches!(part, Value::Number(text) if text.starts_with("0x")));
    for part in &mut parts {
        if let Value::Str(content) = part {
            *content = without_identity(content);
        }
    }
    Value::Tagged("object".to_owned(), Box::new(Value::Vector(parts)))
}
