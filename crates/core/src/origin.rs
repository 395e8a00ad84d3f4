//! Where a text stands: typed, at a place of a file, or a whole file.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name of a file in bytes.
pub const MAX_FILE_NAME_BYTES: usize = 512;
/// The last line that a text may begin at.
pub const MAX_LINE: u32 = 1 << 24;
/// The last column that a text may begin at.
pub const MAX_COLUMN: u32 = 1 << 16;

/// Where the text of an evaluation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: somebody typed it.
    #[default]
    Typed,
    /// At a place of a file: errors and definitions in it are told by that place. Make it with
    /// [`Origin::at`].
    At {
        /// The file.
        file: FileName,
        /// The line of its first character, from 1 to [`MAX_LINE`].
        line: u32,
        /// The column of its first character, from 1 to [`MAX_COLUMN`].
        column: u32,
    },
    /// It is a whole file, to be loaded: form by form up to the first error, with the value of the
    /// last form. The namespace of the session stays as it was.
    File(FileName),
}

impl Origin {
    /// At a place of a file; a line or column out of range is taken as the nearest within.
    pub fn at(file: FileName, line: u32, column: u32) -> Origin {
        Origin::At { file, line: line.clamp(1, MAX_LINE), column: column.clamp(1, MAX_COLUMN) }
    }

    /// The file, and the line and column of the text's first character in it.
    pub fn place(&self) -> Option<(&FileName, u32, u32)> {
        match self {
            Origin::Typed => None,
            Origin::At { file, line, column } => Some((file, *line, *column)),
            Origin::File(file) => Some((file, 1, 1)),
        }
    }

    /// The whole file that it is.
    pub fn whole_file(&self) -> Option<&FileName> {
        match self {
            Origin::File(file) => Some(file),
            Origin::Typed | Origin::At { .. } => None,
        }
    }
}

/// Name of a file, for people and stack traces: nothing is opened by it.
///
/// One line of 1 to [`MAX_FILE_NAME_BYTES`] bytes without control characters, and without those
/// that reorder a text. A runtime knows a file by it: `shop/core.clj`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(Arc<str>);

/// A text that is no name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file's name is one line of 1 to {MAX_FILE_NAME_BYTES} bytes, without control characters and \
     those that reorder a text; rename the file"
)]
pub struct BadFileName;

impl FileName {
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its folders.
    pub fn last(&self) -> &str {
        self.0.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or(&self.0)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for FileName {
    type Err = BadFileName;

    fn from_str(text: &str) -> Result<FileName, BadFileName> {
        let fits = (1..=MAX_FILE_NAME_BYTES).contains(&text.len());
        let good = fits && !text.chars().any(misleads);
        good.then(|| FileName(text.into())).ok_or(BadFileName)
    }
}

/// Breaks a line, drives a terminal, or reorders what stands beside it (Unicode UAX #9).
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> FileName {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_has_a_name_and_a_last_part_of_it() {
        assert_eq!(name("src/shop/core.clj").last(), "core.clj");
        assert_eq!(name("core.clj").last(), "core.clj");
        assert_eq!(name("odd/").last(), "odd/");
        assert_eq!(name("a b/é.clj").as_str(), "a b/é.clj");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(MAX_FILE_NAME_BYTES + 1);
        for text in
            ["", "a\nb", "a\0", "a\u{1b}[2J", "a\u{85}", "\u{202e}jlc.a", "a\u{2028}b", &long]
        {
            assert_eq!(text.parse::<FileName>(), Err(BadFileName), "{text:?}");
        }
        assert!("x".repeat(MAX_FILE_NAME_BYTES).parse::<FileName>().is_ok());
    }

    #[test]
    fn a_place_is_within_its_range() {
        let at = |line, column| Origin::at(name("a"), line, column);
        assert_eq!(at(0, 0), Origin::At { file: name("a"), line: 1, column: 1 });
        let most = Origin::At { file: name("a"), line: MAX_LINE, column: MAX_COLUMN };
        assert_eq!(at(u32::MAX, u32::MAX), most);
    }

    proptest! {
        #[test]
        fn a_name_is_one_line_whatever_the_text(text in "\\PC{0,9}[\\x00-\u{2fff}]{0,9}") {
            if let Ok(name) = text.parse::<FileName>() {
                prop_assert_eq!(name.as_str().lines().count(), 1);
                prop_assert!(!name.last().is_empty() && !name.as_str().contains(char::is_control));
            }
        }
    }
}
