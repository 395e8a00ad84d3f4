//! Words, strings and places in a text; shared by both dialects.

use super::{MAX_DEPTH, MAX_ELEMENTS};

/// A place in a text, and how many values were read.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    elements: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { rest: text, elements: 0 }
    }

    /// Counts one value; `None` beyond a bound.
    pub(super) fn enter(&mut self, depth: usize) -> Option<()> {
        self.elements += 1;
        (depth <= MAX_DEPTH && self.elements <= MAX_ELEMENTS).then_some(())
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes one character.
    pub(super) fn next(&mut self) -> Option<char> {
        let first = self.peek()?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }

    /// Takes this text, if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes blanks and commas.
    pub(super) fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    /// Takes white space alone.
    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes characters up to the first that ends a word; may be empty.
    pub(super) fn word(&mut self, ends: fn(char) -> bool) -> &'a str {
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    /// Takes the rest of a string whose opening quote was taken; gives its content.
    pub(super) fn string(&mut self, quote: char) -> Option<String> {
        let mut content = String::new();
        loop {
            let plain = self.rest.find(['\\', quote])?;
            content.push_str(&self.rest[..plain]);
            self.rest = &self.rest[plain..];
            if self.next()? == quote {
                return Some(content);
            }
            content.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '0' => '\0',
            'x' => self.hex(2).and_then(char::from_u32)?,
            'u' if self.take("{") => self.braced()?,
            'u' => self.utf16()?,
            same @ ('\\' | '"' | '\'' | '/') => same,
            _ => return None,
        })
    }

    /// `{1f600}`, as Rust and JavaScript write it.
    fn braced(&mut self) -> Option<char> {
        let (digits, rest) = self.rest.split_once('}')?;
        self.rest = rest;
        char::from_u32(from_hex(digits)?)
    }

    /// Four hexadecimal digits, or a pair of surrogates (RFC 8259, section 7).
    fn utf16(&mut self) -> Option<char> {
        let first = self.hex(4)?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        let second = self.take("\\u").then(|| self.hex(4)).flatten()?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + low)
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        from_hex(digits)
    }
}

fn from_hex(digits: &str) -> Option<u32> {
    let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// White space, and the comma that EDN treats as such.
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == ','
}

/// Ends a word in EDN.
pub(super) fn ends_word(character: char) -> bool {
    is_blank(character) || matches!(character, '(' | ')' | '[' | ']' | '{' | '}' | '"' | ';')
}
