//! Reads what a runtime printed, within bounds; what cannot be read stays text.
//!
//! Two dialects: elements apart by spaces (EDN, Scheme), and keys with colons (JSON and its
//! relatives). The texts of one never read as the other: see [`edn`].

mod edn;
mod identity;
mod json;
mod scan;

use crate::Value;
use scan::Scanner;

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

/// Most values in one text, nested ones counted.
pub const MAX_ELEMENTS: usize = 200_000;

/// Reads one printed value of at most `max_bytes`.
///
/// `None` when the text is no single value of a dialect known here, or beyond a bound.
pub fn read(text: &str, max_bytes: usize) -> Option<Value> {
    if text.len() > max_bytes {
        return None;
    }
    whole(text, edn::value).or_else(|| whole(text, json::value))
}

fn whole(text: &str, read: fn(&mut Scanner<'_>, usize) -> Option<Value>) -> Option<Value> {
    let mut scanner = Scanner::new(text);
    let value = read(&mut scanner, 0)?;
    scanner.skip_blank();
    scanner.is_at_end().then_some(value)
}

/// A number, if the word is one.
fn number(word: &str) -> Option<Value> {
    if let Some(digits) = crate::value::Digits::read(word) {
        return Some(Value::Int(digits));
    }
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let is_number = is_ratio(unsigned) || is_hex(unsigned) || is_decimal(unsigned);
    is_number.then(|| Value::Number(word.to_owned()))
}

fn is_ratio(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('/').is_some_and(|(above, below)| digits(above) && digits(below))
}

fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").filter(|digits| !digits.is_empty());
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_decimal(word: &str) -> bool {
    let starts_as_number = word.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    starts_as_number && word.strip_suffix('M').unwrap_or(word).parse::<f64>().is_ok()
}
