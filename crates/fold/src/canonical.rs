//! One text for each value: sorted maps and sets, one spacing, one way to escape.

use std::fmt::{self, Display, Write};

use crate::Value;

/// The canonical text; reading it gives the same value again.
pub fn canonical(value: &Value) -> String {
    value.to_string()
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("nil"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Int(digits) => f.write_str(digits.as_str()),
            Value::Number(text)
            | Value::Keyword(text)
            | Value::Symbol(text)
            | Value::Opaque(text) => f.write_str(text),
            Value::Char(text) => write!(f, "\\{text}"),
            Value::Str(content) => write_string(f, content),
            Value::List(items) => write_items(f, "(", items, ")"),
            Value::Vector(items) => write_items(f, "[", items, "]"),
            Value::Set(members) => write_items(f, "#{", members, "}"),
            Value::Map(pairs) => write_pairs(f, pairs),
            Value::Tagged(tag, value) if tag == "'" => write!(f, "'{value}"),
            Value::Tagged(tag, value) => write!(f, "#{tag} {value}"),
        }
    }
}

fn write_items(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: &[Value],
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (place, item) in items.iter().enumerate() {
        f.write_str(if place == 0 { "" } else { " " })?;
        item.fmt(f)?;
    }
    f.write_str(close)
}

fn write_pairs(f: &mut fmt::Formatter<'_>, pairs: &[(Value, Value)]) -> fmt::Result {
    f.write_char('{')?;
    for (place, (key, value)) in pairs.iter().enumerate() {
        f.write_str(if place == 0 { "" } else { ", " })?;
        key.fmt(f)?;
        f.write_char(' ')?;
        value.fmt(f)?;
    }
    f.write_char('}')
}

fn write_string(f: &mut fmt::Formatter<'_>, content: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in content.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            plain => f.write_char(plain)?,
        }
    }
    f.write_char('"')
}
