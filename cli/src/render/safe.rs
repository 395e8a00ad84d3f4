//! Text of a replica made harmless: what could drive a terminal is shown, never obeyed (P12).

use std::fmt::Write as _;

/// Where the text will stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// On one line: newlines and tabs are shown as well.
    Line,
    /// In a block of its own: newlines and tabs are obeyed.
    Block,
}

/// Shows every dangerous character of a text.
pub fn text(text: &str, layout: Layout) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut shown, c, layout));
    shown
}

/// Shows bytes that may be no text: invalid UTF-8 appears as `\xff`.
pub fn bytes(bytes: &[u8], layout: Layout) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut shown, c, layout));
        chunk.invalid().iter().for_each(|byte| push_byte(&mut shown, *byte));
    }
    shown
}

/// Whether a terminal or a reader may be misled by this character.
pub fn is_dangerous(c: char) -> bool {
    c.is_control() || is_invisible_format(c)
}

/// Format characters that reorder, join or hide text (Unicode, general category Cf and
/// neighbours that display as nothing).
fn is_invisible_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn push(shown: &mut String, c: char, layout: Layout) {
    match c {
        '\n' | '\t' if layout == Layout::Block => shown.push(c),
        '\n' => shown.push_str("\\n"),
        '\t' => shown.push_str("\\t"),
        '\r' => shown.push_str("\\r"),
        c if c.is_control() && c.is_ascii() => push_byte(shown, c as u8),
        c if is_dangerous(c) => {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
        c => shown.push(c),
    }
}

fn push_byte(shown: &mut String, byte: u8) {
    let _ = write!(shown, "\\x{byte:02x}");
}

/// Escapes dangerous characters of a JSON document; they stand inside strings alone.
pub fn json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        if is_dangerous(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_and_bidi_marks_are_shown() {
        let hostile = "a\x1b[31mb\u{202e}c\u{9b}2J\u{200b}\u{2066}\u{61c}";
        let shown = text(hostile, Layout::Block);
        assert_eq!(shown, "a\\x1b[31mb\\u{202e}c\\u{9b}2J\\u{200b}\\u{2066}\\u{61c}");
    }

    #[test]
    fn newlines_and_tabs_pass_in_blocks_alone() {
        assert_eq!(text("a\n\tb\r", Layout::Block), "a\n\tb\\r");
        assert_eq!(text("a\n\tb\r", Layout::Line), "a\\n\\tb\\r");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        assert_eq!(bytes(b"a\xff\xfe\xc3", Layout::Line), "a\\xff\\xfe\\xc3");
        assert_eq!(bytes("grün".as_bytes(), Layout::Line), "grün");
    }

    #[test]
    fn escaped_json_reads_back_the_same() {
        let value = serde_json::json!({"k": "a\u{202e}b\u{9b}\u{e0041}\x1b"});
        let document = json(&value.to_string());
        assert!(!document.chars().any(is_dangerous));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), value);
    }

    proptest! {
        #[test]
        fn nothing_dangerous_passes(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = bytes(&raw, Layout::Line);
            prop_assert!(!shown.chars().any(is_dangerous));
            let shown = bytes(&raw, Layout::Block);
            prop_assert!(!shown.chars().any(|c| is_dangerous(c) && c != '\n' && c != '\t'));
        }

        #[test]
        fn harmless_text_is_left_alone(harmless in "[ -~äöüßéλ漢字→●]{0,60}") {
            prop_assert_eq!(text(&harmless, Layout::Line), harmless);
        }
    }
}
