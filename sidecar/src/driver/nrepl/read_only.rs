//! An evaluation within a function of the app: what is sent in its place, and what comes back.
//!
//! nREPL evaluates a text form by form and prints each value afterwards, so nothing could stand
//! around all of it. In its place one form of ours is sent, which has the text as a string: a
//! server that could not keep to the function cannot run anything else either.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prepl_core::read_only::Function;

use crate::driver::cut::whole_characters;
use crate::driver::{Ask, WITHIN};

const PROGRAM: &str = include_str!("read_only.clj");

/// Longest string in one piece: the JVM has none of 64 KiB in a program.
const PIECE: usize = 60_000;

/// Bytes of all values together: in base64 4 MiB, which fits into [`super::codec::MOST_QUOTA`].
const ROOM: u32 = 3 << 20;

/// A value, and whether it was cut.
pub(super) type Printed = (String, bool);

/// What the form gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// The values of the forms.
    Values(Vec<Printed>),
    /// Nothing of the text ran, for this reason.
    Refused(String),
}

/// The form to be sent; names in it mean the same in every namespace.
pub(super) fn form(ask: &Ask, function: &Function) -> String {
    let program = string(&format!("(let [within {WITHIN}] {PROGRAM})"));
    let code = string(ask.expression.as_str());
    format!(
        "((clojure.core/binding [clojure.core/*ns* (clojure.core/the-ns 'clojure.core)] \
         (clojure.core/eval (clojure.core/read-string {program}))) \
         \"{function}\" {code} {limit} {ROOM})",
        limit = ask.value_bytes,
    )
}

/// A form that gives this text, whatever it holds.
fn string(text: &str) -> String {
    let encoded = STANDARD.encode(text);
    let pieces: Vec<String> = encoded
        .as_bytes()
        .chunks(PIECE)
        .map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece)))
        .collect();
    format!(
        "(java.lang.String. (.decode (java.util.Base64/getDecoder) \
         ^java.lang.String (clojure.core/str {})) \"UTF-8\")",
        pieces.join(" ")
    )
}

/// Reads what the form gave; `None` when it is something else.
pub(super) fn given(printed: &str) -> Option<Given> {
    let mut words = printed.trim_end().split(' ');
    match words.next()? {
        "ok" => words.map(value).collect::<Option<_>>().map(Given::Values),
        "refused" => text(words.next()?).map(Given::Refused),
        _ => None,
    }
}

fn value(word: &str) -> Option<Printed> {
    match word.split_at_checked(1)? {
        ("0", encoded) => Some((text(encoded)?, false)),
        ("1", encoded) => Some((text(encoded)?, true)),
        _ => None,
    }
}

fn text(encoded: &str) -> Option<String> {
    let bytes = STANDARD.decode(encoded).ok()?;
    Some(String::from_utf8_lossy(whole_characters(&bytes)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::read_only::Keeper;
    use prepl_core::{Expression, Origin};
    use proptest::prelude::*;

    fn ask(text: &str) -> Ask {
        let expression = Expression::new(text).unwrap();
        let read_only = Some(Keeper::Function("shop.db/read-only".parse().unwrap()));
        Ask {
            expression,
            origin: Origin::Typed,
            namespace: None,
            value_bytes: 64,
            output_bytes: 64,
            read_only,
        }
    }

    fn sent(text: &str) -> String {
        form(&ask(text), &"shop.db/read-only".parse().unwrap())
    }

    #[test]
    fn the_text_is_sent_as_a_string_in_one_form() {
        let form = sent("\") (drop-everything!) (\"");
        assert!(!form.contains("drop-everything"), "{form}");
        assert_eq!(prepl_reader::flaw(&form), None);
        assert!(form.ends_with(&format!(
            "\"shop.db/read-only\" {} 64 {ROOM})",
            string("\") (drop-everything!) (\"")
        )));
    }

    #[test]
    fn a_long_text_is_in_pieces_that_a_jvm_can_hold() {
        let form = sent(&"x".repeat(1 << 20));
        assert!(form.split('"').all(|piece| piece.len() <= PIECE));
    }

    #[test]
    fn what_comes_back_is_read() {
        let values = vec![("1".to_owned(), false), ("a".to_owned(), true), (String::new(), false)];
        // The cut one ends in half of a character.
        assert_eq!(given("ok 0MQ== 1YcM= 0"), Some(Given::Values(values)));
        assert_eq!(given("ok"), Some(Given::Values(Vec::new())));
        assert_eq!(given("refused bm8="), Some(Given::Refused("no".to_owned())));
    }

    #[test]
    fn anything_else_is_not() {
        for printed in ["", "ok 2MQ==", "ok 0?", "refused", "refused ?", "nil", "ok é"] {
            assert_eq!(given(printed), None, "{printed}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(printed in "(ok|refused)?( [01]?[A-Za-z0-9+/=]{0,9})*\\PC?") {
            given(&printed);
        }
    }
}
