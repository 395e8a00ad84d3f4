//! What a user gives as EDN, as text that every reader takes for the same data.
//!
//! The text is read here and written anew, so that nothing of it can end the form that it stands
//! in, and nothing is evaluated when it is read: no `#=`, no tags but those of EDN itself.

use prepl_fold::{Value, canonical, read};

/// Largest text: as much as an expression has.
const MAX_BYTES: usize = prepl_core::expression::MAX_BYTES;

/// Characters with a name in Clojure.
const NAMED: [&str; 6] = ["newline", "space", "tab", "backspace", "formfeed", "return"];

/// A text that is no data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoData {
    /// It is no form, or several.
    #[error(
        "it is not one form of EDN; brackets and quotes must close, and comments are not taken"
    )]
    NotOne,
    /// A part that is not plain data.
    #[error("{0} is not plain data")]
    NotPlain(String),
}

/// Reads one form.
pub fn form(text: &str) -> Result<Value, NoData> {
    let value = read(text, MAX_BYTES).ok_or(NoData::NotOne)?;
    check(&value)?;
    Ok(value)
}

/// An expression that gives this form and evaluates nothing of it.
pub fn quoted(form: &Value) -> String {
    match form {
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Number(_) => canonical(form),
        Value::Char(_) | Value::Str(_) | Value::Keyword(_) => canonical(form),
        form => format!("(quote {})", canonical(form)),
    }
}

fn check(value: &Value) -> Result<(), NoData> {
    let plain = match value {
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Str(_) => true,
        Value::Char(text) => is_char(text),
        Value::Keyword(text) | Value::Symbol(text) => is_name(text),
        Value::Opaque(text) => text.starts_with("#\""),
        Value::List(items) | Value::Vector(items) | Value::Set(items) => {
            return items.iter().try_for_each(check);
        }
        Value::Map(pairs) => {
            return pairs.iter().try_for_each(|(key, value)| check(key).and(check(value)));
        }
        Value::Tagged(tag, value) if matches!(&**tag, "inst" | "uuid") => return check(value),
        Value::Tagged(..) => false,
    };
    if plain { Ok(()) } else { Err(NoData::NotPlain(canonical(value))) }
}

/// One character, its name, or its number; a longer word Clojure would read as several.
fn is_char(text: &str) -> bool {
    let number = text.strip_prefix('u').is_some_and(|digits| {
        digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    text.chars().count() == 1 && !text.contains(char::is_whitespace)
        || NAMED.contains(&text)
        || number
}

/// A word without characters that a reader gives a meaning of their own.
fn is_name(text: &str) -> bool {
    let named = |c: char| c.is_alphanumeric() || ".*+!-_?$%&=<>/:#'|".contains(c);
    !text.is_empty() && text.chars().all(named) && !text.starts_with(['#', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_reader::forms;
    use proptest::prelude::*;

    fn written(text: &str) -> Result<String, NoData> {
        form(text).map(|form| quoted(&form))
    }

    #[test]
    fn queries_of_datomic_are_data() {
        let query = r#"[:find ?e (count ?n) . :in $ % [?tag ...]
                       :where [?e :user/name ?n] [(re-find #"a+" ?n)] (not [?e :user/gone _])]"#;
        let wanted = r#"(quote [:find ?e (count ?n) . :in $ % [?tag ...] :where [?e :user/name ?n] [(re-find #"a+" ?n)] (not [?e :user/gone _])])"#;
        assert_eq!(written(query).unwrap(), wanted);
        let at = r##"{:at #inst "2026-01-01", :id #{\a \newline}}"##;
        assert_eq!(
            written(at).unwrap(),
            r##"(quote {:at #inst "2026-01-01", :id #{\a \newline}})"##
        );
    }

    #[test]
    fn what_is_its_own_value_is_not_quoted() {
        let own = ["42", "\"a\"", ":a/b", "nil", "1.5M", "\\x"];
        own.iter().for_each(|text| assert_eq!(written(text).unwrap(), *text));
    }

    #[test]
    fn several_forms_and_none_are_refused() {
        for text in ["", "1 2", "[1]) (evil", "[1", "\"a", "[1] ; more", "(a\\(b"] {
            assert_eq!(form(text), Err(NoData::NotOne), "{text}");
        }
    }

    #[test]
    fn what_a_reader_would_do_more_with_is_refused() {
        for text in [
            "#=(evil)",
            "[#=(evil)]",
            "#?(:clj 1)",
            "#_1 2",
            "#'a",
            "@a",
            "[`a]",
            "[~a]",
            "#shop/cart {}",
            "#object[a]",
            "[\\a\\]",
            "(a\\ b)",
            "#<x>",
        ] {
            assert!(form(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_form_and_stays_the_same(
            text in r#"([\]\[(){}"\\#'@`~^;:=?_ ,\n]|[a1./-]|\\a|"a"|:b ){0,24}"#
        ) {
            if let Ok(read) = form(&text) {
                let written = quoted(&read);
                prop_assert_eq!(forms(&written), vec![0..written.len()]);
                let again = form(&canonical(&read));
                prop_assert_eq!(again, Ok(read));
            }
        }
    }
}
