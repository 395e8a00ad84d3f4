//! The word before the cursor.

use super::syntax::Syntax;

/// Where the word begins that a text ends with; `None` in strings and comments, and where there is
/// no word.
pub fn start(syntax: Syntax, text: &str) -> Option<usize> {
    if syntax.looks(text).pop().is_some_and(|(range, _)| range.end == text.len()) {
        return None;
    }
    let start = text.rfind(ends_word).map_or(0, |at| at + 1);
    (start < text.len()).then_some(start)
}

fn ends_word(c: char) -> bool {
    // All of them are one byte long.
    c.is_ascii_whitespace() || "()[]{}\"',;@^`~#\\".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn word(text: &str) -> Option<&str> {
        start(Syntax::Lisp, text).map(|start| &text[start..])
    }

    #[test]
    fn the_word_before_the_cursor_is_found() {
        assert_eq!(word("(ma"), Some("ma"));
        assert_eq!(word("(map str/jo"), Some("str/jo"));
        assert_eq!(word("'clojure.st"), Some("clojure.st"));
        assert_eq!(word("#'fo"), Some("fo"));
        assert_eq!(word("é"), Some("é"));
    }

    #[test]
    fn strings_comments_and_gaps_have_none() {
        for text in ["", "(", "(map ", "\"ma", "; ma", "\\ne", ":ke", "12", "'"] {
            assert_eq!(word(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_word_is_the_end_of_the_text(text in r#"([()"';:# a\PC]){0,20}"#) {
            if let Some(start) = start(Syntax::Lisp, &text) {
                prop_assert!(text.get(start..).is_some_and(|word| !word.is_empty()));
            }
        }
    }
}
