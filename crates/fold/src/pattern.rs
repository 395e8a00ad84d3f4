//! The pattern of a sentence: what stays when numbers, ids, addresses and quotes differ.

use std::net::{IpAddr, SocketAddr};

/// Longest text a pattern is made of, in characters; what follows does not count.
const MAX_CHARACTERS: usize = 1000;

/// Units that may follow a number.
const UNITS: [&str; 16] =
    ["ns", "us", "µs", "ms", "s", "m", "h", "d", "B", "KiB", "MiB", "GiB", "kB", "KB", "MB", "GB"];

/// Fewest hexadecimal digits that make an id.
const MIN_ID_DIGITS: usize = 6;

/// The text with `#` for numbers, durations, addresses and ids, and `"…"` for quoted text.
pub(crate) fn pattern(text: &str) -> String {
    let text: String = text.chars().take(MAX_CHARACTERS).collect();
    let mut pattern = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let inside_word = pattern.ends_with(char::is_alphanumeric);
        if let Some(after) = quoted(rest).filter(|_| !inside_word) {
            pattern.push_str("\"…\"");
            rest = after;
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let word = rest[..end].trim_end_matches(['.', ':', '-']);
            let word = if word.is_empty() { &rest[..end] } else { word };
            pattern.push_str(&word_pattern(word));
            rest = &rest[word.len()..];
        } else {
            pattern.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    pattern
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | ':' | '-' | '_')
}

/// What follows the quoted text at the start, if there is one.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    let (_, after) = text[1..].split_once(quote)?;
    (!after.starts_with(char::is_alphanumeric)).then_some(after)
}

fn word_pattern(word: &str) -> String {
    if is_address(word) || is_id(word) {
        return "#".to_owned();
    }
    let mut pattern = String::new();
    let mut rest = word;
    while let Some(place) = rest.find(|c: char| c.is_ascii_digit()) {
        pattern.push_str(&rest[..place]);
        pattern.push('#');
        rest = after_number(&rest[place..]);
    }
    pattern + rest
}

fn is_address(word: &str) -> bool {
    word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok()
}

/// A long hexadecimal id, a UUID, or `0x…`.
fn is_id(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let has_digit = digits.bytes().any(|byte| byte.is_ascii_digit());
    let is_prefixed = digits.len() < word.len() && !digits.is_empty();
    all_hex && (is_prefixed || has_digit && digits.len() >= MIN_ID_DIGITS)
}

/// What follows the number at the start, its fraction and its unit.
fn after_number(text: &str) -> &str {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut rest = text.trim_start_matches(is_digit);
    while let Some(more) = rest.strip_prefix(['.', ':']).filter(|more| more.starts_with(is_digit)) {
        rest = more.trim_start_matches(is_digit);
    }
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(end);
    if UNITS.contains(&unit) { after } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_durations_and_addresses_become_one_sign() {
        let texts = [
            ("no answer in 30s, 1.5ms left", "no answer in #, # left"),
            ("connect to 10.0.0.1:7070: refused", "connect to #: refused"),
            ("connect to [fe80::1]:7070", "connect to [#]:#"),
            ("pool-1-thread-23 at 2024-01-02", "pool-#-thread-# at #"),
            ("id 0x7f00 and 6f1e2d3c-aaaa-bbbb-cccc-121212121212", "id # and #"),
        ];
        for (text, expected) in texts {
            assert_eq!(pattern(text), expected);
        }
    }

    #[test]
    fn quoted_text_is_left_out_and_apostrophes_stay() {
        assert_eq!(pattern("no key \"a b\" in 'x'"), "no key \"…\" in \"…\"");
        assert_eq!(pattern("it's not what's asked"), "it's not what's asked");
    }

    #[test]
    fn words_stay() {
        assert_eq!(pattern("connection refused - facade..."), "connection refused - facade...");
    }
}
