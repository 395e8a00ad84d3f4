//! A value as text, in the form that Rhai reads.

use std::ops::{Range, RangeInclusive};

use rhai::{Dynamic, FnPtr, INT};

use crate::bounded::Bounded;

/// Deeper values end in `...`; nobody reads further, and the stack is finite.
const DEPTH: usize = 64;

/// A value, printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The value as Rhai reads it; a map's keys are sorted.
    pub text: String,
    /// Whether the text was cut, by its length or its depth.
    pub truncated: bool,
}

impl Value {
    /// Prints at most `limit` bytes, and looks at no more of the value than that.
    pub(crate) fn print(value: &Dynamic, limit: usize) -> Self {
        let mut out = Bounded::new(limit);
        print(value, DEPTH, &mut out);
        let (text, truncated) = out.finish();
        Self { text, truncated }
    }
}

fn print(value: &Dynamic, depth: usize, out: &mut Bounded) {
    if depth == 0 {
        out.push("...");
        return out.cut_here();
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        quote(&text, '"', out);
    } else if let Ok(items) = value.as_array_ref() {
        out.push("[");
        list(items.iter(), out, |item, out| print(item, depth - 1, out));
        out.push("]");
    } else if let Ok(map) = value.as_map_ref() {
        out.push("#{");
        list(map.iter(), out, |(key, value), out| {
            // Quoted always: a bare key could be one of Rhai's own words.
            quote(key, '"', out);
            out.push(": ");
            print(value, depth - 1, out);
        });
        out.push("}");
    } else {
        print_leaf(value, out);
    }
}

fn list<T>(
    items: impl Iterator<Item = T>,
    out: &mut Bounded,
    mut each: impl FnMut(T, &mut Bounded),
) {
    for (at, item) in items.enumerate() {
        if out.is_full() {
            return;
        }
        if at > 0 {
            out.push(", ");
        }
        each(item, out);
    }
}

fn print_leaf(value: &Dynamic, out: &mut Bounded) {
    if let Ok(letter) = value.as_char() {
        quote(letter.encode_utf8(&mut [0; 4]), '\'', out);
    } else if let Ok(number) = value.as_float() {
        out.push(&format!("{number:?}"));
    } else if let Ok(bytes) = value.as_blob_ref() {
        out.push("<blob ");
        for byte in bytes.iter() {
            if out.is_full() {
                return;
            }
            out.push(&format!("{byte:02x}"));
        }
        out.push(">");
    } else if let Some(function) = value.read_lock::<FnPtr>() {
        out.push("Fn(");
        quote(function.fn_name(), '"', out);
        out.push(")");
    } else if let Some(range) = value.read_lock::<Range<INT>>() {
        out.push(&format!("{}..{}", range.start, range.end));
    } else if let Some(range) = value.read_lock::<RangeInclusive<INT>>() {
        out.push(&format!("{}..={}", range.start(), range.end()));
    } else if value.is_unit() {
        out.push("()");
    } else if value.is_int() || value.is_bool() {
        out.push(&value.to_string());
    } else {
        out.push(&format!("<{}>", value.type_name()));
    }
}

fn quote(text: &str, mark: char, out: &mut Bounded) {
    let mut buffer = [0; 4];
    out.push(mark.encode_utf8(&mut buffer));
    for letter in text.chars() {
        if out.is_full() {
            return;
        }
        match letter {
            '\n' => out.push("\\n"),
            '\r' => out.push("\\r"),
            '\t' => out.push("\\t"),
            '\\' => out.push("\\\\"),
            _ if letter == mark => {
                out.push("\\");
                out.push(mark.encode_utf8(&mut buffer));
            }
            _ if letter.is_control() => out.push(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter.encode_utf8(&mut buffer)),
        }
    }
    out.push(mark.encode_utf8(&mut buffer));
}
