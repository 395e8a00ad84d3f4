//! What a list leaves out where a terminal is narrow.

use std::ops::RangeInclusive;

use unicode_width::UnicodeWidthChar as _;

use crate::render::page;
use crate::render::safe::{self, Layout};

/// An expression has so many columns, however narrow the terminal is.
const MIN_EXPRESSION: usize = 12;
/// Other columns give way down to this; with both, a list fits into 80.
const MIN_COLUMN: usize = 7;
/// Between columns.
const GAP: usize = 2;
/// User, what, where and outcome; a time or an id without its end is of no use.
const GIVING: RangeInclusive<usize> = 1..=4;
/// Told from its end: that is the name.
const WHERE: usize = 3;

/// Cuts what does not fit, the widest columns first; gives what is left for an expression.
pub fn fit(width: usize, heads: &[&str], rows: &mut [Vec<String>]) -> usize {
    let column = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| page::width(cell));
        cells.chain([heads[at].len()]).max().unwrap_or(0).min(width)
    };
    let mut widths: Vec<usize> = (0..heads.len()).map(column).collect();
    let room = loop {
        let taken: usize = widths.iter().map(|width| width + GAP).sum();
        let room = width.saturating_sub(taken);
        let widest = GIVING.max_by_key(|at| widths[*at]).filter(|at| widths[*at] > MIN_COLUMN);
        match widest {
            Some(widest) if room < MIN_EXPRESSION => widths[widest] -= 1,
            _ => break room.max(MIN_EXPRESSION),
        }
    };
    for row in rows {
        for at in GIVING {
            let cut = if at == WHERE { end } else { beginning };
            row[at] = cut(&row[at], widths[at]);
        }
    }
    room
}

/// A text as it is shown, without its end where that does not fit.
pub fn beginning(text: &str, width: usize) -> String {
    let shown = safe::text(text, Layout::Line);
    if page::width(&shown) <= width {
        return shown;
    }
    fitting(shown.chars(), width).into_iter().chain(['…']).collect()
}

/// A text as it is shown, without its beginning where that does not fit.
fn end(text: &str, width: usize) -> String {
    let shown = safe::text(text, Layout::Line);
    if page::width(&shown) <= width {
        return shown;
    }
    ['…'].into_iter().chain(fitting(shown.chars().rev(), width).into_iter().rev()).collect()
}

/// The first characters that fit, with room for the mark.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> Vec<char> {
    let mut left = width.saturating_sub(1);
    let fits = characters.map_while(|character| {
        left = left.checked_sub(character.width().unwrap_or(0))?;
        Some(character)
    });
    fits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_either_end_by_columns() {
        assert_eq!(beginning("abcdef", 6), "abcdef");
        assert_eq!(beginning("abcdefg", 6), "abcde…");
        assert_eq!(beginning("漢字漢字", 6), "漢字…");
        assert_eq!(end("shop/deployment/api ×2", 12), "…ment/api ×2");
        assert_eq!(end("漢字漢字", 6), "…漢字");
    }
}
