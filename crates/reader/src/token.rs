//! A text as words and brackets, the way Clojure's reader (`clojure.lang.LispReader`) sees them.

use std::ops::Range;

/// One word, bracket or mark of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From `;` or `#!` to the end of the line.
    Comment,
    /// `"…"`
    Text {
        /// Whether its last quote is there.
        ended: bool,
    },
    /// `#"…"`
    Regex {
        /// Whether its last quote is there.
        ended: bool,
    },
    /// `\a`, in Scheme `#\a`.
    Character {
        /// Whether there is one.
        ended: bool,
    },
    /// A word that begins with a digit, or a sign and a digit.
    Number,
    /// A word that begins with a colon.
    Keyword,
    /// Any other word.
    Symbol,
    /// An opening bracket; `#(` and `#{` are one token.
    Open {
        /// Which.
        bracket: Bracket,
        /// Brackets open before it.
        depth: usize,
    },
    /// A closing bracket.
    Close {
        /// Which.
        bracket: Bracket,
        /// Brackets open behind it, of whatever kind; 0 where there was none.
        depth: usize,
    },
    /// A mark that belongs to the forms behind it.
    Mark(Mark),
}

/// A pair of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// `(…)`
    List,
    /// `[…]`
    Vector,
    /// `{…}`
    Map,
}

/// A mark, by what it does with the forms behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It and the next form are one: `'x`, `@x`, `#'x`, `#?(…)`, `##Inf`, `#:a{…}`.
    Prefix,
    /// The next form is about the one behind it: `^:private x`.
    Meta,
    /// The next form names what the one behind it is: `#inst "…"`.
    Tag,
    /// The next form counts as not there: `#_x`.
    Discard,
}

/// The tokens of any text, in order; nothing but white space is between them.
pub fn tokens(text: &str) -> Vec<Token> {
    Lexer::new(text).collect()
}

/// Reads one token after the other.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    /// The next byte to look at; always the start of a character.
    at: usize,
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, depth: 0 }
    }

    /// What begins with `c`, which is taken already.
    fn kind(&mut self, c: char) -> Kind {
        match c {
            '(' => self.open(Bracket::List),
            '[' => self.open(Bracket::Vector),
            '{' => self.open(Bracket::Map),
            ')' => self.close(Bracket::List),
            ']' => self.close(Bracket::Vector),
            '}' => self.close(Bracket::Map),
            '"' => Kind::Text { ended: self.quoted() },
            '\\' => self.character(),
            ';' => self.comment(),
            '#' => self.dispatch(),
            '~' => {
                self.take_if('@');
                Kind::Mark(Mark::Prefix)
            }
            '\'' | '@' | '`' => Kind::Mark(Mark::Prefix),
            '^' => Kind::Mark(Mark::Meta),
            _ => self.word(c),
        }
    }

    /// `#` and what it announces.
    fn dispatch(&mut self) -> Kind {
        let Some(c) = self.peek() else { return Kind::Mark(Mark::Tag) };
        if matches!(c, ':') {
            self.skip_until(ends_word);
            return Kind::Mark(Mark::Prefix);
        }
        if !matches!(c, '(' | '{' | '"' | '\\' | '!' | '_' | '^' | '?' | '\'' | '=' | '<' | '#') {
            return self.truth().unwrap_or(Kind::Mark(Mark::Tag));
        }
        self.take();
        match c {
            '(' => self.open(Bracket::List),
            '{' => self.open(Bracket::Map),
            '"' => Kind::Regex { ended: self.quoted() },
            '\\' => self.character(),
            '!' => self.comment(),
            '_' => Kind::Mark(Mark::Discard),
            '^' => Kind::Mark(Mark::Meta),
            _ => {
                if c == '?' {
                    self.take_if('@');
                }
                Kind::Mark(Mark::Prefix)
            }
        }
    }

    /// Scheme's `#t` and `#f` stand for themselves.
    fn truth(&mut self) -> Option<Kind> {
        let rest = self.text.get(self.at..)?;
        let word = rest.split(ends_word).next()?;
        matches!(word, "t" | "f" | "true" | "false").then(|| {
            self.at += word.len();
            Kind::Symbol
        })
    }

    fn open(&mut self, bracket: Bracket) -> Kind {
        let depth = self.depth;
        self.depth += 1;
        Kind::Open { bracket, depth }
    }

    fn close(&mut self, bracket: Bracket) -> Kind {
        self.depth = self.depth.saturating_sub(1);
        Kind::Close { bracket, depth: self.depth }
    }

    /// A string and a regular expression end alike: at a quote without a backslash before it.
    fn quoted(&mut self) -> bool {
        while let Some(c) = self.take() {
            match c {
                '"' => return true,
                '\\' => drop(self.take()),
                _ => {}
            }
        }
        false
    }

    /// The first character after a backslash is taken whatever it is.
    fn character(&mut self) -> Kind {
        let ended = self.take().is_some();
        self.skip_until(ends_word);
        Kind::Character { ended }
    }

    fn comment(&mut self) -> Kind {
        self.skip_until(|c| c == '\n' || c == '\r');
        Kind::Comment
    }

    fn word(&mut self, c: char) -> Kind {
        let signed = matches!(c, '+' | '-');
        let number = c.is_ascii_digit()
            || (signed && self.peek().is_some_and(|digit| digit.is_ascii_digit()));
        if number {
            self.skip_until(|c| is_white(c) || is_macro(c));
            return Kind::Number;
        }
        self.skip_until(ends_word);
        if c == ':' { Kind::Keyword } else { Kind::Symbol }
    }

    fn skip_until(&mut self, ends: impl Fn(char) -> bool) {
        while self.peek().is_some_and(|c| !ends(c)) {
            self.take();
        }
    }

    fn take_if(&mut self, wanted: char) {
        if self.peek() == Some(wanted) {
            self.take();
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_until(|c| !is_white(c));
        let start = self.at;
        let first = self.take()?;
        let kind = self.kind(first);
        Some(Token { range: start..self.at, kind })
    }
}

/// `Character.isWhitespace`, which leaves the no-break spaces out, and the comma.
fn is_white(c: char) -> bool {
    match c {
        ',' | '\u{1c}'..='\u{1f}' => true,
        '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => false,
        _ => c.is_whitespace(),
    }
}

fn is_macro(c: char) -> bool {
    ends_word_always(c) || matches!(c, '#' | '\'' | '%')
}

fn ends_word_always(c: char) -> bool {
    matches!(c, '"' | ';' | '@' | '^' | '`' | '~' | '(' | ')' | '[' | ']' | '{' | '}' | '\\')
}

/// Three macro characters may stand inside of a word.
fn ends_word(c: char) -> bool {
    is_white(c) || ends_word_always(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<(&str, Kind)> {
        tokens(text).into_iter().map(|token| (&text[token.range], token.kind)).collect()
    }

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn words_have_their_kinds() {
        let text = "(def ^:a x' -1.5e3 :b/c \"d\\\"\" #\"e\" \\( +) ; f";
        let expected = [
            ("(", Kind::Open { bracket: Bracket::List, depth: 0 }),
            ("def", Kind::Symbol),
            ("^", Kind::Mark(Mark::Meta)),
            (":a", Kind::Keyword),
            ("x'", Kind::Symbol),
            ("-1.5e3", Kind::Number),
            (":b/c", Kind::Keyword),
            ("\"d\\\"\"", Kind::Text { ended: true }),
            ("#\"e\"", Kind::Regex { ended: true }),
            ("\\(", Kind::Character { ended: true }),
            ("+", Kind::Symbol),
            (")", Kind::Close { bracket: Bracket::List, depth: 0 }),
            ("; f", Kind::Comment),
        ];
        assert_eq!(words(text), expected);
    }

    #[test]
    fn a_hash_announces_what_follows() {
        let prefix = Kind::Mark(Mark::Prefix);
        assert_eq!(
            kinds("#{ #("),
            [
                Kind::Open { bracket: Bracket::Map, depth: 0 },
                Kind::Open { bracket: Bracket::List, depth: 1 },
            ]
        );
        for text in ["#'x", "##Inf", "#=x", "#?x", "#?@x"] {
            assert_eq!(kinds(text), [prefix, Kind::Symbol], "{text}");
        }
        assert_eq!(words("#::a{")[0], ("#::a", prefix));
        assert_eq!(words("#inst")[0], ("#", Kind::Mark(Mark::Tag)));
        assert_eq!(words("#_x")[0], ("#_", Kind::Mark(Mark::Discard)));
        assert_eq!(words("~@x")[0], ("~@", prefix));
        assert_eq!(kinds("#!/bin/bb ("), [Kind::Comment]);
        assert_eq!(
            words(r"#\( #t"),
            [(r"#\(", Kind::Character { ended: true }), ("#t", Kind::Symbol)]
        );
    }

    #[test]
    fn what_has_no_end_reaches_to_the_end() {
        assert_eq!(words("\"a )"), [("\"a )", Kind::Text { ended: false })]);
        assert_eq!(words("#\"a\\\""), [("#\"a\\\"", Kind::Regex { ended: false })]);
        assert_eq!(words("\\"), [("\\", Kind::Character { ended: false })]);
    }

    #[test]
    fn a_bracket_too_many_has_depth_0() {
        let depth = |kind| match kind {
            Kind::Open { depth, .. } | Kind::Close { depth, .. } => depth,
            _ => panic!("brackets alone"),
        };
        let depths: Vec<_> = kinds("([])) (").into_iter().map(depth).collect();
        assert_eq!(depths, [0, 1, 1, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_with_white_space_between(text in r#"([()\[\]{}"\\;#'^~@%:_?!,\n a-f0-3\PC]){0,60}"#) {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.range.start >= end && token.range.end > token.range.start);
                prop_assert!(text[end..token.range.start].chars().all(is_white));
                end = token.range.end;
            }
            prop_assert!(text[end..].chars().all(is_white));
        }
    }
}
