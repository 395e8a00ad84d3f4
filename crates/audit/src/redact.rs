//! What must not be written is replaced before anything is hashed or written.

use std::fmt;

use prepl_core::{Digest, Expression};
use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::text::hex;

/// Most rules of one redactor: sixteen of each of the 64 policies that may be about one run.
pub const MAX_RULES: usize = 1024;
/// Longest pattern in bytes.
pub const MAX_PATTERN_BYTES: usize = 512;
/// Longest replacement in bytes.
pub const MAX_REPLACEMENT_BYTES: usize = 64;
/// Largest compiled pattern in bytes: matching takes time by its size.
const MAX_COMPILED_BYTES: usize = 64 << 10;
/// Longest text after redaction in bytes; as long as the longest expression.
const MAX_TEXT_BYTES: usize = prepl_core::expression::MAX_BYTES;

/// Longest beginning of an expression that was not allowed, in bytes.
const MAX_BEGINNING_BYTES: usize = 2 << 10;

/// What replaces secrets in texts, rule by rule, in their order.
#[derive(Clone, Debug, Default)]
pub struct Redactor(Vec<(Regex, String)>);

/// A rule that cannot be used; where it stands is told from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// More than [`MAX_RULES`].
    #[error("there are {0} rules for redaction; write at most {MAX_RULES}")]
    TooMany(usize),
    /// A text longer than its limit.
    #[error(
        "rule {0} for redaction is too long; a pattern has at most {MAX_PATTERN_BYTES} bytes and \
         a replacement {MAX_REPLACEMENT_BYTES}"
    )]
    TooLong(usize),
    /// Not a regular expression, or one that is too large when it is compiled.
    #[error("the pattern of rule {0} for redaction cannot be compiled; write it anew, or simpler")]
    Pattern(usize),
}

/// A text that a redactor has seen. `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted(String);

/// An expression as it is recorded: redacted, with the digest of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    text: Redacted,
    #[serde(with = "hex")]
    sha256: Digest,
    replaced: u64,
    cut: bool,
}

impl Redactor {
    /// A redactor by rules of a pattern and its replacement, which is taken as it is written.
    pub fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Redactor, BadRule> {
        let rules: Vec<_> = rules.into_iter().collect();
        if rules.len() > MAX_RULES {
            return Err(BadRule::TooMany(rules.len()));
        }
        let compiled = rules.into_iter().zip(1..).map(compile);
        compiled.collect::<Result<_, _>>().map(Redactor)
    }

    /// A person's words, without what must not be written.
    #[must_use]
    pub fn text(&self, text: &str) -> Redacted {
        Redacted(self.redact(text).text)
    }

    /// An expression as it is recorded; takes time by its length and the rules.
    #[must_use]
    pub fn expression(&self, expression: &Expression) -> Asked {
        self.code(expression.as_str().as_bytes())
    }

    /// Bytes for a REPL as they are recorded, bounded as an expression is. The digest is of the bytes;
    /// those that are no UTF-8 are replaced in the text.
    #[must_use]
    pub fn code(&self, code: &[u8]) -> Asked {
        let Work { text, replaced, cut } = self.redact(&String::from_utf8_lossy(code));
        Asked { text: Redacted(text), sha256: Digest::of_bytes(code), replaced, cut }
    }

    /// The first `most` bytes of a text, without what must not be written.
    #[must_use]
    pub fn short(&self, text: &str, most: usize) -> Redacted {
        let mut text = self.text(text);
        text.0.truncate(text.0.floor_char_boundary(most));
        text
    }

    /// The beginning of what was not allowed: whoever is denied must not fill the log.
    #[must_use]
    pub fn beginning(&self, expression: &Expression) -> Asked {
        let Asked { mut text, sha256, replaced, cut } = self.expression(expression);
        let end = text.0.floor_char_boundary(MAX_BEGINNING_BYTES);
        let cut = cut || end < text.0.len();
        text.0.truncate(end);
        Asked { text, sha256, replaced, cut }
    }

    fn redact(&self, text: &str) -> Work {
        let mut work = Work { text: String::new(), replaced: 0, cut: false };
        work.push(text);
        for (pattern, replacement) in &self.0 {
            work.replace(pattern, replacement);
        }
        work
    }
}

fn compile(
    ((pattern, replacement), number): ((&str, &str), usize),
) -> Result<(Regex, String), BadRule> {
    if pattern.len() > MAX_PATTERN_BYTES || replacement.len() > MAX_REPLACEMENT_BYTES {
        return Err(BadRule::TooLong(number));
    }
    let regex = RegexBuilder::new(pattern).size_limit(MAX_COMPILED_BYTES).build();
    let regex = regex.map_err(|_| BadRule::Pattern(number))?;
    Ok((regex, replacement.to_owned()))
}

/// A text on its way through the rules; it never grows beyond its limit.
struct Work {
    text: String,
    replaced: u64,
    cut: bool,
}

impl Work {
    fn replace(&mut self, pattern: &Regex, replacement: &str) {
        let before = std::mem::take(&mut self.text);
        let mut from = 0;
        for found in pattern.find_iter(&before) {
            self.push(&before[from..found.start()]);
            self.push(replacement);
            self.replaced += 1;
            from = found.end();
            if self.cut {
                return;
            }
        }
        self.push(&before[from..]);
    }

    fn push(&mut self, part: &str) {
        let room = MAX_TEXT_BYTES - self.text.len();
        let fits = part.floor_char_boundary(room);
        self.text.push_str(&part[..fits]);
        self.cut |= fits < part.len();
    }
}

impl Redacted {
    /// The text, as it is recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redacted({} bytes)", self.0.len())
    }
}

impl Asked {
    /// The text after redaction.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// SHA-256 of the expression before redaction.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// How many places were replaced.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Whether the end is missing, as replacements made the text too long.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rules: &[(&str, &str)], text: &str) -> Asked {
        let redactor = Redactor::new(rules.iter().copied()).unwrap();
        redactor.expression(&Expression::new(text).unwrap())
    }

    #[test]
    fn rules_replace_in_their_order_and_the_digest_is_of_the_original() {
        let rules = [("(?i)password[ =:]+\\S+", "<$0>"), ("[a-z]+@", "?@")];
        let asked = asked(&rules, "(login :password hunter2 me@x you@x)");
        assert_eq!(asked.text(), "(login :<$0> ?@x ?@x)");
        assert_eq!((asked.replaced(), asked.is_cut()), (3, false));
        assert_eq!(asked.sha256(), Digest::of("(login :password hunter2 me@x you@x)"));
        assert!(!format!("{asked:?}").contains("login"));
    }

    #[test]
    fn rules_that_cannot_be_used_are_refused() {
        let one = |pattern: &str, with: &str| Redactor::new([(pattern, with)]).err();
        assert_eq!(one("(", ""), Some(BadRule::Pattern(1)));
        assert_eq!(one("((x{99}){99}){99}", ""), Some(BadRule::Pattern(1)));
        assert_eq!(one(&"a".repeat(513), ""), Some(BadRule::TooLong(1)));
        assert_eq!(one("a", &"b".repeat(65)), Some(BadRule::TooLong(1)));
        let many = vec![("a", "b"); MAX_RULES + 1];
        assert_eq!(Redactor::new(many).err(), Some(BadRule::TooMany(MAX_RULES + 1)));
        let second = Redactor::new([("a", "b"), ("[", "")]);
        assert_eq!(second.err(), Some(BadRule::Pattern(2)));
    }

    #[test]
    fn of_what_was_not_allowed_the_beginning_is_kept() {
        let expression = Expression::new("é".repeat(1 << 19)).unwrap();
        let asked = Redactor::default().beginning(&expression);
        assert_eq!((asked.text().len(), asked.is_cut()), (MAX_BEGINNING_BYTES, true));
        assert_eq!(asked.sha256(), Digest::of(expression.as_str()));
        let short = Redactor::default().beginning(&Expression::new("(exit)").unwrap());
        assert_eq!((short.text(), short.is_cut()), ("(exit)", false));
    }

    #[test]
    fn code_is_told_as_text_and_digested_as_bytes() {
        let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
        let asked = redactor.code(b"(login \"hunter2\") \xff");
        assert_eq!(asked.text(), "(login \"***\") \u{fffd}");
        assert_eq!(asked.sha256(), Digest::of_bytes(b"(login \"hunter2\") \xff"));
        let invalid = redactor.code(&vec![0xff; MAX_TEXT_BYTES]);
        assert!(invalid.is_cut() && invalid.text().len() <= MAX_TEXT_BYTES);
    }

    #[test]
    fn a_short_text_is_cut_after_it_was_redacted() {
        let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
        assert_eq!(redactor.short("a-hunter2", 4).as_str(), "a-**");
        assert_eq!(redactor.short("aé", 2).as_str(), "a");
    }

    #[test]
    fn replacements_cannot_make_a_text_grow_without_end() {
        let grown = asked(
            &[("a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé")],
            &"a".repeat(1 << 19),
        );
        assert!(grown.is_cut() && grown.text().len() <= MAX_TEXT_BYTES);
        assert!(grown.text().len() > MAX_TEXT_BYTES - 4);
    }
}
