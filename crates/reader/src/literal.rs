//! A text as a literal of Clojure.

use std::fmt::Write as _;

/// A string literal of Clojure, on one line, that means `text`.
pub fn text_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string cannot fail. Control characters are within four digits.
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Kind, tokens};
    use proptest::prelude::*;

    #[test]
    fn what_would_end_it_is_escaped() {
        assert_eq!(text_literal(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert_eq!(text_literal("é\n\r\t\0\u{9b}"), "\"é\\n\\r\\t\\u0000\\u009b\"");
        assert_eq!(text_literal(""), "\"\"");
    }

    proptest! {
        #[test]
        fn it_is_one_string_whatever_the_text(text in r#"(["\\\n()]|\PC|[\x00-\x1f]){0,30}"#) {
            let literal = text_literal(&text);
            let all = tokens(&literal);
            prop_assert_eq!(all.len(), 1);
            prop_assert_eq!(all[0].kind, Kind::Text { ended: true });
            prop_assert!(!literal.contains(char::is_control));
        }
    }
}
