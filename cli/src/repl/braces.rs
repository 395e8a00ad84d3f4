//! Texts of Rhai, as far as a prompt must know them: strings, comments and brackets.

use std::ops::Range;

use super::syntax::Look;

/// A piece of a text that is no plain code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Comment { ended: bool },
    Text { ended: bool },
    Open(char),
    Close(char),
}

/// Whether brackets, a comment or a text in backquotes are open at the end.
///
/// A text in double quotes ends with its line, whatever Rhai says to that.
pub fn continues(text: &str) -> bool {
    let mut open = 0_usize;
    for (_, piece) in pieces(text) {
        match piece {
            Piece::Open(_) => open += 1,
            Piece::Close(_) => open = open.saturating_sub(1),
            Piece::Comment { ended: false } | Piece::Text { ended: false } => return true,
            Piece::Comment { ended: true } | Piece::Text { ended: true } => {}
        }
    }
    open > 0
}

/// Comments and strings.
pub fn looks(text: &str) -> Vec<(Range<usize>, Look)> {
    let look = |(range, piece)| match piece {
        Piece::Comment { .. } => Some((range, Look::Aside)),
        Piece::Text { .. } => Some((range, Look::Text)),
        Piece::Open(_) | Piece::Close(_) => None,
    };
    pieces(text).into_iter().filter_map(look).collect()
}

/// The bracket that belongs to the one at a byte; `None` where there is none, or none that fits.
pub fn matching(text: &str, at: usize) -> Option<usize> {
    let mut open = Vec::new();
    for (Range { start, .. }, piece) in pieces(text) {
        match piece {
            Piece::Open(bracket) => open.push((bracket, start)),
            Piece::Close(bracket) => {
                let (_, partner) = open.pop().filter(|(opened, _)| closing(*opened) == bracket)?;
                if partner == at {
                    return Some(start);
                }
                if start == at {
                    return Some(partner);
                }
            }
            Piece::Comment { .. } | Piece::Text { .. } => {}
        }
    }
    None
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

fn pieces(text: &str) -> Vec<(Range<usize>, Piece)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, piece) = next(rest);
        found.extend(piece.map(|piece| (at..at + length, piece)));
        at += length;
    }
    found
}

/// The length of what a text begins with, and what that is; the text is not empty.
fn next(text: &str) -> (usize, Option<Piece>) {
    let Some(first) = text.chars().next() else { return (text.len(), None) };
    match first {
        '/' if text.starts_with("//") => {
            (text.find('\n').unwrap_or(text.len()), Some(Piece::Comment { ended: true }))
        }
        '/' if text.starts_with("/*") => {
            let end = block_comment(text);
            (end.unwrap_or(text.len()), Some(Piece::Comment { ended: end.is_some() }))
        }
        '"' => (quoted(text, first), Some(Piece::Text { ended: true })),
        '`' => {
            let end = text[1..].find('`').map(|end| end + 2);
            (end.unwrap_or(text.len()), Some(Piece::Text { ended: end.is_some() }))
        }
        '\'' => (quoted(text, first), Some(Piece::Text { ended: true })),
        '(' | '[' | '{' => (1, Some(Piece::Open(first))),
        ')' | ']' | '}' => (1, Some(Piece::Close(first))),
        other => (other.len_utf8(), None),
    }
}

/// Where a comment that may hold others ends.
fn block_comment(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut pairs = text.bytes().zip(text.bytes().skip(1)).enumerate();
    while let Some((at, pair)) = pairs.next() {
        match pair {
            (b'/', b'*') => depth += 1,
            (b'*', b'/') if depth == 1 => return Some(at + 2),
            (b'*', b'/') => depth -= 1,
            _ => continue,
        }
        // A byte is part of one sign alone.
        pairs.next();
    }
    None
}

/// The length up to the same quote, without a backslash before it, or the end of the line.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\n' => return at,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn brackets_comments_and_backquotes_continue() {
        for text in ["fn f() {", "[1,", "/* a", "/* /* */", "`a\n", "f(\"}\"", "{ // }", "('\\''"] {
            assert!(continues(text), "{text}");
        }
        for text in ["", "f(1)", "let a = 1; {a}", "// (", "\"(", "'('", "a }", "/* ( */", "`(`"] {
            assert!(!continues(text), "{text}");
        }
    }

    #[test]
    fn a_bracket_finds_its_partner() {
        let text = "f({ \"(\": [1] })";
        assert_eq!(matching(text, 1), Some(14));
        assert_eq!(matching(text, 13), Some(2));
        assert_eq!(matching(text, 5), None);
        assert_eq!(matching("(]", 0), None);
    }

    #[test]
    fn comments_and_strings_look_different() {
        let looks: Vec<_> = looks("a \"b\" // c").into_iter().map(|(range, _)| range).collect();
        assert_eq!(looks, [2..5, 6..10]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in r#"([()\[\]{}"'`/*\\\n a\PC]){0,40}"#, at in 0..40_usize) {
            continues(&text);
            for (range, _) in looks(&text) {
                prop_assert!(text.get(range).is_some());
            }
            if let Some(partner) = matching(&text, at) {
                prop_assert_eq!(matching(&text, partner), Some(at));
            }
        }
    }
}
