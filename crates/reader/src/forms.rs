//! The top-level forms of a text, and whether more has to follow.

use std::ops::Range;

use crate::token::{Kind, Lexer, Mark, Token};

/// Where the top-level forms of any text stand, with the marks before them; comments and what `#_`
/// discards are left out. A form without an end reaches to the end of the text, and a closing
/// bracket that closes nothing is a form of its own.
pub fn forms(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut scan = Scan::default();
    found.extend(Lexer::new(text).filter_map(|token| scan.take(token)));
    found.extend(scan.begun.map(|start| start..text.len()));
    found
}

/// Whether a text ends before a form of it does, as a prompt must know: in brackets, in a string,
/// behind a mark.
pub fn continues(text: &str) -> bool {
    let mut scan = Scan::default();
    let open = |token: &Token| {
        use Kind::{Character, Regex, Text};
        matches!(
            token.kind,
            Text { ended: false } | Regex { ended: false } | Character { ended: false }
        )
    };
    let mut last_is_open = false;
    for token in Lexer::new(text) {
        last_is_open = open(&token);
        scan.take(token);
    }
    last_is_open || scan.is_within()
}

/// How far a form is read.
struct Scan {
    /// Forms that still have to come before the top-level form has its end.
    wanted: usize,
    depth: usize,
    begun: Option<usize>,
}

impl Default for Scan {
    fn default() -> Scan {
        Scan { wanted: 1, depth: 0, begun: None }
    }
}

impl Scan {
    fn is_within(&self) -> bool {
        self.begun.is_some() || self.depth > 0 || self.wanted > 1
    }

    /// Takes a token; gives the form that ends with it.
    fn take(&mut self, Token { range, kind }: Token) -> Option<Range<usize>> {
        if kind == Kind::Comment {
            return None;
        }
        let discards = kind == Kind::Mark(Mark::Discard);
        if self.depth == 0 && self.wanted == 1 && !discards {
            self.begun.get_or_insert(range.start);
        }
        match kind {
            Kind::Open { .. } => self.depth += 1,
            Kind::Close { .. } => {
                self.depth = self.depth.saturating_sub(1);
                return self.ended(range.end);
            }
            Kind::Mark(mark) if self.depth == 0 => self.wanted += more_than_one(mark),
            Kind::Mark(_) => {}
            _ => return self.ended(range.end),
        }
        None
    }

    fn ended(&mut self, end: usize) -> Option<Range<usize>> {
        if self.depth > 0 {
            return None;
        }
        self.wanted -= 1;
        if self.wanted > 0 {
            return None;
        }
        self.wanted = 1;
        self.begun.take().map(|start| start..end)
    }
}

/// How many more forms than one stand behind a mark.
fn more_than_one(mark: Mark) -> usize {
    match mark {
        Mark::Prefix => 0,
        Mark::Meta | Mark::Tag | Mark::Discard => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        forms(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn forms_are_told_apart() {
        assert_eq!(texts("(a) 1 ; x\n[b] \"c\" :d"), ["(a)", "1", "[b]", "\"c\"", ":d"]);
        assert_eq!(texts("(a)(b)c"), ["(a)", "(b)", "c"]);
        assert_eq!(texts(" ; nothing"), [""; 0]);
    }

    #[test]
    fn marks_belong_to_the_form_behind_them() {
        for form in
            ["'x", "^:a ^{:b 1} x", "#inst \"2020\"", "#?(:clj 1)", "##Inf", "@@x", "#:a{:b 1}"]
        {
            assert_eq!(texts(form), [form]);
            assert_eq!(texts(&format!("{form} y")), [form, "y"]);
        }
        assert_eq!(texts("' #_ a b c"), ["' #_ a b", "c"]);
    }

    #[test]
    fn what_is_discarded_is_no_form() {
        assert_eq!(texts("#_ a b"), ["b"]);
        assert_eq!(texts("#_#_ (a) [b] c #_ d"), ["c"]);
        assert_eq!(texts("#_ ^:x a b"), ["b"]);
    }

    #[test]
    fn an_end_that_is_missing_or_too_much() {
        assert_eq!(texts("1 (a [b"), ["1", "(a [b"]);
        assert_eq!(texts("1 '"), ["1", "'"]);
        assert_eq!(texts("a) b"), ["a", ")", "b"]);
    }

    #[test]
    fn a_text_continues_while_a_form_has_no_end() {
        for text in
            ["(a", "(a [", "\"x", "#\"x", "\\", "'", "#_", "^:a", "#inst", "(a) @", "(a \"b)"]
        {
            assert!(continues(text), "{text}");
        }
        for text in ["", " ", "; (", "(a)", "(a) b", "a)", "#_ a", "\"x\"", "'a", "#t"] {
            assert!(!continues(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_forms_in_order(text in r#"([()\[\]{}"\\;#'^~@_?,\n a-c\PC]){0,60}"#) {
            let mut end = 0;
            for form in forms(&text) {
                prop_assert!(form.start >= end && form.end > form.start);
                prop_assert!(text.is_char_boundary(form.start) && text.is_char_boundary(form.end));
                end = form.end;
            }
            continues(&text);
        }

        #[test]
        fn lists_side_by_side_are_so_many_forms(words in prop::collection::vec("[a-z0-9 ]{0,8}", 0..9)) {
            let text: String = words.iter().map(|words| format!("({words})")).collect();
            prop_assert_eq!(forms(&text).len(), words.len());
            prop_assert!(!continues(&text));
        }
    }
}
