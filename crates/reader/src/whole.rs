//! Whether a Clojure text can be read at all, told before anything of it runs.
//!
//! A REPL evaluates form by form, so a missing parenthesis at the end of a text is found after
//! the forms before it ran. This looks at delimiters alone, and never refuses what Clojure's reader
//! accepts: in doubt the text counts as readable, and the runtime has the last word.

use std::fmt;

use crate::token::{Bracket, Kind, Lexer, Token};

/// Deeper nesting is not judged; the runtime's own reader ends far earlier.
const MAX_DEPTH: usize = 10_000;

/// Why Clojure cannot read a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The text ends inside of something that began at a place.
    Unfinished(Opened, Place),
    /// A closing delimiter that closes nothing, or something else than was opened last.
    Unmatched(char, Place),
}

/// What can be left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// `(`
    List,
    /// `[`
    Vector,
    /// `{`
    Map,
    /// `"`
    Text,
    /// `#"`
    Regex,
    /// `\`
    Character,
}

/// A place in a text; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Says why Clojure cannot read `text`; `None` when it probably can.
pub fn flaw(text: &str) -> Option<Flaw> {
    let mut open = Vec::new();
    for Token { range, kind } in Lexer::new(text) {
        let unfinished = |what| Some(Flaw::Unfinished(what, Place::of(text, range.start)));
        match kind {
            Kind::Open { .. } if open.len() == MAX_DEPTH => return None,
            Kind::Open { bracket, .. } => open.push((bracket, range.end - 1)),
            Kind::Close { bracket, .. } => match open.pop() {
                Some((opened, _)) if opened == bracket => {}
                _ => return Some(Flaw::Unmatched(bracket.closing(), Place::of(text, range.start))),
            },
            Kind::Text { ended: false } => return unfinished(Opened::Text),
            Kind::Regex { ended: false } => return unfinished(Opened::Regex),
            Kind::Character { ended: false } => return unfinished(Opened::Character),
            Kind::Symbol if is_in_doubt(&text[range.clone()]) => return None,
            _ => {}
        }
    }
    let (bracket, start) = open.pop()?;
    Some(Flaw::Unfinished(bracket.into(), Place::of(text, start)))
}

/// `%` is a word of its own in `#(…)` and the start of a symbol elsewhere.
///
/// They differ when a `#` follows, and telling them apart is not worth it.
fn is_in_doubt(word: &str) -> bool {
    word.starts_with('%') && word.contains('#')
}

impl Bracket {
    fn closing(self) -> char {
        match self {
            Bracket::List => ')',
            Bracket::Vector => ']',
            Bracket::Map => '}',
        }
    }
}

impl From<Bracket> for Opened {
    fn from(bracket: Bracket) -> Opened {
        match bracket {
            Bracket::List => Opened::List,
            Bracket::Vector => Opened::Vector,
            Bracket::Map => Opened::Map,
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Unfinished(Opened::Character, place) => {
                write!(f, "the expression ends after the \\ at {place}; add the character")
            }
            Flaw::Unfinished(opened, place) => {
                let (what, end) = opened.words();
                write!(f, "the expression ends inside {what} that begins at {place}; ")?;
                write!(f, "add the missing {end}")
            }
            Flaw::Unmatched(closing, place) => {
                write!(f, "the {closing} at {place} closes nothing that is open there; ")?;
                write!(f, "remove it or add what it should close")
            }
        }
    }
}

impl Place {
    fn of(text: &str, at: usize) -> Place {
        let before = text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Opened {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Opened::List => ("a list", "\")\""),
            Opened::Vector => ("a vector", "\"]\""),
            Opened::Map => ("a map or set", "\"}\""),
            Opened::Text => ("a string", "'\"'"),
            Opened::Regex => ("a regular expression", "'\"'"),
            Opened::Character => ("a character", "character"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Option<String> {
        flaw(text).map(|flaw| flaw.to_string())
    }

    #[test]
    fn a_missing_end_names_what_is_open_and_where() {
        assert_eq!(
            said("1\n1 (foo").unwrap(),
            "the expression ends inside a list that begins at line 2, column 3; \
             add the missing \")\"",
        );
        assert_eq!(
            said("(é [1").unwrap(),
            "the expression ends inside a vector that begins at line 1, column 4; \
             add the missing \"]\"",
        );
        assert!(said("{:a \"b }").unwrap().contains("a string that begins at line 1, column 5"));
        assert!(said("#\"a\\\"").unwrap().contains("a regular expression"));
        assert!(said("#{1").unwrap().contains("a map or set"));
        assert!(said("(a \\").unwrap().contains("after the \\ at line 1, column 4"));
    }

    #[test]
    fn a_wrong_end_is_named() {
        assert!(said("(+ 1 2))").unwrap().starts_with("the ) at line 1, column 8 closes nothing"));
        assert!(said("[1 2)").unwrap().starts_with("the ) at line 1, column 5"));
    }

    #[test]
    fn delimiters_in_strings_comments_and_characters_are_no_delimiters() {
        for text in [
            r#"(str "(" \( \newline \" \\ #"[(\"]" 'x)"#,
            "; ( \"\n1",
            "(a ; ) \r)",
            "#!/usr/bin/env bb (\n(+ 1 2)",
            "(a #_(b) #_#_ c d)",
            "a#!b",
            "1#!(",
            "#?(:clj [1] :cljs [2]) #?@(:clj [])",
            "#:a{:b 1} #'x #^x y ##Inf @a ~@b `c ^:d e #(%1 %& %)",
            r"\space(a)\ )".trim_end_matches(')'),
            "#inst \"2020-01-01\" #foo/bar [1]",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn a_symbol_with_a_hash_does_not_begin_a_comment() {
        assert!(said("a#!(").is_some());
        assert!(said("a\u{a0}#!(").is_some());
    }

    #[test]
    fn absurd_depth_is_left_to_the_runtime() {
        assert_eq!(said(&"(".repeat(1 << 20)), None);
        assert!(said(&"(".repeat(MAX_DEPTH)).is_some());
    }

    /// A form that Clojure reads, with its delimiters in order.
    fn form() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-z][a-z#'/.!?*-]{0,6}",
            "[+-]?[0-9]{1,5}",
            ":[a-z]{1,4}",
            r#"#?"([^"\\]|\\[n"\\]){0,8}""#,
            r"\\[\PC&&[^a-zA-Z0-9]]",
            r"\\(newline|space|a|o101|u0041)",
            Just("##Inf".to_owned()),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let gap = prop::sample::select(vec![" ", ",", "\n", " ; ) ]\n", " #! ( \r", " #_(x) "]);
            let opening = prop::sample::select(vec![
                "(", "#(", "[", "{", "#{", "'(", "#'", "@", "~@(", "`(", "#?(", "#:a{", "^", "#=(",
                "#_", "#inst ",
            ]);
            (opening, prop::collection::vec((inner, gap), 0..6)).prop_map(|(opening, forms)| {
                let inside: String = forms.into_iter().map(|(form, gap)| form + gap).collect();
                let closing = match opening.chars().last() {
                    Some('(') => ")",
                    Some('[') => "]",
                    Some('{') => "}",
                    _ => "",
                };
                format!("{opening}{inside}{closing}")
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_in_order_is_accepted(form in form()) {
            prop_assert_eq!(said(&form), None, "{}", form);
        }

        #[test]
        fn one_end_too_many_or_too_few_is_refused(form in form()) {
            prop_assert!(said(&format!("({form} ")).is_some(), "({form} ");
            prop_assert!(said(&format!("{form} )")).is_some(), "{form} )");
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            said(&text);
        }
    }
}
