//! Regular expressions of a policy, bounded: no backtracking, a small program, a bounded text.

use regex_lite::{Regex, RegexBuilder};

/// Longest pattern in bytes.
pub const MAX_BYTES: usize = 512;
/// Largest compiled program. A match takes its size times the length of the text.
const MAX_PROGRAM: usize = 8 << 10;
/// Deepest nesting of groups.
const MAX_NESTING: u32 = 32;

/// A regular expression that was checked.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a pattern, or says in a sentence why it cannot be one.
    pub fn new(text: &str) -> Result<Pattern, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("a pattern has at most {MAX_BYTES} bytes; make it shorter"));
        }
        let mut builder = RegexBuilder::new(text);
        let regex = builder.size_limit(MAX_PROGRAM).nest_limit(MAX_NESTING).build();
        regex.map(Pattern).map_err(|error| format!("it is no regular expression: {error}"))
    }

    /// Whether it matches anywhere in the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
