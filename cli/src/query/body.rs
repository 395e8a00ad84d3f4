//! The expression of a template: text with places for what is asked.

use std::ops::Range;
use std::str::FromStr;

use prepl_reader::{Kind, tokens};

/// An expression with places that are filled; `{{query}}` is one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(Hole),
}

/// A place in the expression, by what it is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    Query,
    Arguments,
    Rows,
    Bytes,
}

/// What a body is filled with: each part is one form that means data and runs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// The query.
    pub query: String,
    /// A vector of its arguments.
    pub arguments: String,
    /// Most rows that the app is asked for.
    pub rows: u32,
    /// Most bytes of printed rows that the app is asked for.
    pub bytes: u32,
}

/// A text that cannot be the expression of a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// A place that nothing is known to fill.
    #[error(
        "nothing fills {{{{{0}}}}}; there are {{{{query}}}}, {{{{args}}}}, {{{{rows}}}} and {{{{bytes}}}}"
    )]
    Unknown(String),
    /// The query goes nowhere.
    #[error("the expression has no {{{{query}}}}, so that the query would go nowhere")]
    NoQuery,
    /// A place within a string, where its quotes would end that string.
    #[error("{{{{{0}}}}} stands within a string; write it bare, it brings its own quotes")]
    Quoted(String),
}

impl Body {
    /// The expression with its places filled, once each: what fills one is not looked at again.
    pub fn filled(&self, filling: &Filling) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hole(Hole::Query) => filling.query.clone(),
            Piece::Hole(Hole::Arguments) => filling.arguments.clone(),
            Piece::Hole(Hole::Rows) => filling.rows.to_string(),
            Piece::Hole(Hole::Bytes) => filling.bytes.to_string(),
        });
        pieces.collect()
    }

    /// Whether it has a place for arguments.
    pub fn takes_arguments(&self) -> bool {
        self.0.contains(&Piece::Hole(Hole::Arguments))
    }
}

impl FromStr for Body {
    type Err = BadBody;

    fn from_str(text: &str) -> Result<Body, BadBody> {
        let mut pieces = Vec::new();
        let mut at = 0;
        for place in places(text) {
            let name = text[place.start + 2..place.end - 2].trim();
            let hole = Hole::named(name).ok_or_else(|| BadBody::Unknown(name.to_owned()))?;
            if is_quoted(text, &place) {
                return Err(BadBody::Quoted(name.to_owned()));
            }
            pieces.push(Piece::Text(text[at..place.start].to_owned()));
            pieces.push(Piece::Hole(hole));
            at = place.end;
        }
        pieces.push(Piece::Text(text[at..].to_owned()));
        let body = Body(pieces);
        if body.0.contains(&Piece::Hole(Hole::Query)) { Ok(body) } else { Err(BadBody::NoQuery) }
    }
}

impl Hole {
    fn named(name: &str) -> Option<Hole> {
        Some(match name {
            "query" => Hole::Query,
            "args" => Hole::Arguments,
            "rows" => Hole::Rows,
            "bytes" => Hole::Bytes,
            _ => return None,
        })
    }
}

/// Every `{{word}}`; no runtime has a use of its own for such a text.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|found| at + found) {
        let word = text[start + 2..].find("}}").map(|end| &text[start + 2..start + 2 + end]);
        at = start + 1;
        if let Some(word) = word.filter(|word| is_word(word.trim())) {
            at = start + word.len() + 4;
            places.push(start..at);
        }
    }
    places
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

fn is_quoted(text: &str, place: &Range<usize>) -> bool {
    let string = |kind: Kind| matches!(kind, Kind::Text { .. } | Kind::Regex { .. });
    let around = |token: &Range<usize>| token.start < place.start && place.start < token.end;
    tokens(text).iter().any(|token| string(token.kind) && around(&token.range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let filling = Filling {
            query: r#""select {{rows}}""#.to_owned(),
            arguments: "[1]".to_owned(),
            rows: 101,
            bytes: 57_344,
        };
        text.parse::<Body>().unwrap().filled(&filling)
    }

    #[test]
    fn each_place_is_filled_once_and_what_fills_it_is_left_alone() {
        let text = "(shop.db/read {{query}} {{args}} {{ rows }} {{bytes}} {:a {{rows}}})";
        let wanted = r#"(shop.db/read "select {{rows}}" [1] 101 57344 {:a 101})"#;
        assert_eq!(filled(text), wanted);
    }

    #[test]
    fn maps_within_maps_are_no_places() {
        let text = "(f {{:a 1} {{} 2}} {{query}})";
        assert_eq!(filled(text), r#"(f {{:a 1} {{} 2}} "select {{rows}}")"#);
    }

    #[test]
    fn a_place_that_cannot_be_filled_is_refused() {
        let bad = |text: &str| text.parse::<Body>().unwrap_err();
        assert_eq!(bad("(f {{query}} {{limit}})"), BadBody::Unknown("limit".to_owned()));
        assert_eq!(bad("(f {{rows}})"), BadBody::NoQuery);
        assert_eq!(bad(r#"(f "{{query}}")"#), BadBody::Quoted("query".to_owned()));
        assert_eq!(bad(""), BadBody::NoQuery);
        assert!(r#"(f "a" {{query}} "b")"#.parse::<Body>().is_ok());
    }

    #[test]
    fn only_a_body_that_has_a_place_for_arguments_takes_them() {
        let takes = |text: &str| text.parse::<Body>().unwrap().takes_arguments();
        assert!(takes("(f {{query}} {{args}})") && !takes("(f {{query}})"));
    }
}
