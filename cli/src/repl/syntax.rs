//! What can be told of a text by the rules of the runtimes' own readers.

use std::ops::Range;

use prepl_core::Description;
use prepl_reader::Kind;

use super::braces;

/// The rules of a runtime's reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// Clojure's; Scheme's are near enough.
    #[default]
    Lisp,
    /// Rhai's: strings, comments and brackets alone are looked at.
    Braces,
}

/// What a piece of a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A comment, or a mark like `'`.
    Aside,
    /// A string or character.
    Text,
    /// A keyword.
    Keyword,
    /// A number.
    Number,
}

impl Syntax {
    /// The rules of most of the runtimes.
    pub fn of<'a>(told: impl Iterator<Item = &'a Description>) -> Syntax {
        let (mut lisps, mut others) = (0, 0);
        for description in told {
            if &*description.language == "rhai" { others += 1 } else { lisps += 1 }
        }
        if others > lisps { Syntax::Braces } else { Syntax::Lisp }
    }

    /// Whether a text has no end yet.
    pub fn continues(self, text: &str) -> bool {
        match self {
            Syntax::Lisp => prepl_reader::continues(text),
            Syntax::Braces => braces::continues(text),
        }
    }

    /// The parts of a whole text that are evaluated one after the other.
    pub fn forms(self, text: &str) -> Vec<&str> {
        match self {
            Syntax::Lisp => {
                prepl_reader::forms(text).into_iter().filter_map(|range| text.get(range)).collect()
            }
            Syntax::Braces => {
                Some(text.trim()).filter(|text| !text.is_empty()).into_iter().collect()
            }
        }
    }

    /// The pieces that do not look like all the rest, in order.
    pub fn looks(self, text: &str) -> Vec<(Range<usize>, Look)> {
        match self {
            Syntax::Lisp => {
                let tokens = prepl_reader::tokens(text).into_iter();
                tokens.filter_map(|token| Some((token.range, look(token.kind)?))).collect()
            }
            Syntax::Braces => braces::looks(text),
        }
    }

    /// The bracket that belongs to the one at a byte.
    pub fn matching(self, text: &str, at: usize) -> Option<usize> {
        match self {
            Syntax::Lisp => prepl_reader::matching(text, at),
            Syntax::Braces => braces::matching(text, at),
        }
    }
}

fn look(kind: Kind) -> Option<Look> {
    match kind {
        Kind::Comment | Kind::Mark(_) => Some(Look::Aside),
        Kind::Text { .. } | Kind::Regex { .. } | Kind::Character { .. } => Some(Look::Text),
        Kind::Keyword => Some(Look::Keyword),
        Kind::Number => Some(Look::Number),
        Kind::Symbol | Kind::Open { .. } | Kind::Close { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn most_runtimes_decide() {
        let of = |languages: &[&str]| {
            let told: Vec<_> =
                languages.iter().map(|language| example::runtime(language, "1")).collect();
            Syntax::of(told.iter())
        };
        assert_eq!(of(&["rhai", "rhai", "clojure"]), Syntax::Braces);
        assert_eq!(of(&["rhai", "steel"]), Syntax::Lisp);
        assert_eq!(of(&[]), Syntax::Lisp);
    }

    #[test]
    fn a_semicolon_ends_a_statement_or_begins_a_comment() {
        assert!(Syntax::Lisp.continues("(a ; )"));
        assert!(!Syntax::Braces.continues("{ let a = 1; a }"));
        assert_eq!(Syntax::Lisp.forms("1 (b) ; c"), ["1", "(b)"]);
        assert_eq!(Syntax::Braces.forms(" let a = 1; a \n"), ["let a = 1; a"]);
        assert!(Syntax::Braces.forms(" \n").is_empty());
    }

    #[test]
    fn words_have_their_looks() {
        let looks = |text| Syntax::Lisp.looks(text).into_iter().map(|(_, look)| look);
        let found: Vec<_> = looks("('a :b 1 \"c\" d) ; e").collect();
        assert_eq!(found, [Look::Aside, Look::Keyword, Look::Number, Look::Text, Look::Aside]);
    }
}
