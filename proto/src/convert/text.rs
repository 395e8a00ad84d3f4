//! The text of an evaluation, as messages have it: in one of three fields, and where it stands.

use prepl_core::Expression;
use prepl_core::origin::{FileName, MAX_COLUMN, MAX_LINE, Origin};

use super::BadMessage;
use crate::v1;

/// The fields of a message that have a text: one of `expression`, `read_only_expression` and
/// `file` is given. What a peer might overlook has a field of its own, so that it finds no text.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// An expression.
    pub expression: String,
    /// One that may run only where something keeps it from writing.
    pub read_only_expression: String,
    /// Where an expression stands.
    pub at: Option<v1::Place>,
    /// A whole file.
    pub file: Option<v1::WholeFile>,
}

impl Text {
    /// The fields for a text.
    pub fn of(expression: &Expression, origin: &Origin, read_only: bool) -> Text {
        let text = expression.as_str().to_owned();
        if let Origin::File(file) = origin {
            let file = v1::WholeFile { name: file.to_string(), text, read_only };
            return Text { file: Some(file), ..Text::default() };
        }
        let at = place(origin);
        match read_only {
            true => Text { read_only_expression: text, at, ..Text::default() },
            false => Text { expression: text, at, ..Text::default() },
        }
    }

    /// The text, where it stands, and whether it is read-only.
    pub fn read(self) -> Result<(Expression, Origin, bool), BadMessage> {
        let Text { expression, read_only_expression, at, file } = self;
        let given = [!expression.is_empty(), !read_only_expression.is_empty(), file.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(BadMessage("expression"));
        }
        let (text, origin, read_only) = match file {
            Some(v1::WholeFile { name, text, read_only }) => {
                (text, Origin::File(file_name(&name)?), read_only)
            }
            None if expression.is_empty() => (read_only_expression, origin(at)?, true),
            None => (expression, origin(at)?, false),
        };
        let expression = Expression::new(text).map_err(|_| BadMessage("expression"))?;
        Ok((expression, origin, read_only))
    }
}

/// The place of a text that stands at one.
pub(super) fn place(origin: &Origin) -> Option<v1::Place> {
    match origin {
        Origin::At { file, line, column } => {
            Some(v1::Place { file: file.to_string(), line: *line, column: *column })
        }
        Origin::Typed | Origin::File(_) => None,
    }
}

/// At a place, else typed.
pub(super) fn origin(at: Option<v1::Place>) -> Result<Origin, BadMessage> {
    let Some(v1::Place { file, line, column }) = at else { return Ok(Origin::Typed) };
    let fits = (1..=MAX_LINE).contains(&line) && (1..=MAX_COLUMN).contains(&column);
    match fits {
        true => Ok(Origin::At { file: file_name(&file)?, line, column }),
        false => Err(BadMessage("line or column")),
    }
}

pub(super) fn file_name(name: &str) -> Result<FileName, BadMessage> {
    name.parse().map_err(|_| BadMessage("file name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: &Origin, read_only: bool) -> Text {
        Text::of(&Expression::new("1").unwrap(), origin, read_only)
    }

    #[test]
    fn a_peer_that_knows_expressions_alone_finds_no_whole_file_and_none_that_must_not_write() {
        let file = || "a.clj".parse().unwrap();
        assert_eq!(of(&Origin::File(file()), false).expression, "");
        assert_eq!(of(&Origin::File(file()), true).read_only_expression, "");
        assert_eq!(of(&Origin::at(file(), 3, 1), true).expression, "");
        assert_eq!(of(&Origin::at(file(), 3, 1), false).expression, "1");
    }

    #[test]
    fn two_texts_and_places_out_of_range_are_refused() {
        let place = |line, column| v1::Place { file: "a.clj".into(), line, column };
        let file = |name: &str, text: &str| v1::WholeFile {
            name: name.into(),
            text: text.into(),
            read_only: false,
        };
        let at = |at| Text { expression: "1".into(), at: Some(at), ..Text::default() };
        let whole = |file| Text { file: Some(file), ..Text::default() };
        let bad = [
            ("expression", Text::default()),
            ("expression", Text { file: Some(file("a", "1")), ..at(place(1, 1)) }),
            ("expression", Text { read_only_expression: "1".into(), ..at(place(1, 1)) }),
            ("expression", whole(file("a", " "))),
            ("file name", whole(file("", "1"))),
            ("file name", whole(file("a\nb", "1"))),
            ("file name", at(v1::Place { file: String::new(), ..place(1, 1) })),
            ("line or column", at(place(0, 1))),
            ("line or column", at(place(1, 0))),
            ("line or column", at(place(MAX_LINE + 1, 1))),
            ("line or column", at(place(1, MAX_COLUMN + 1))),
        ];
        for (what, text) in bad {
            assert_eq!(text.read().unwrap_err().0, what);
        }
    }
}
