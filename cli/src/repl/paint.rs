//! The colours of what is typed; each text keeps its width.

use super::syntax::{Look, Syntax};

const RESET: &str = "\x1b[0m";
/// Both brackets of a pair.
const PAIR: &str = "\x1b[1;36m";

/// A text in colours; with the cursor at or behind a bracket, that and its partner stand out.
pub fn painted(syntax: Syntax, text: &str, cursor: Option<usize>) -> String {
    let mut marks: Vec<_> =
        syntax.looks(text).into_iter().map(|(range, look)| (range, code(look))).collect();
    let pair = cursor.and_then(|cursor| pair(syntax, text, cursor));
    marks.extend(pair.into_iter().flatten().map(|at| (at..at + 1, PAIR)));
    marks.sort_by_key(|(range, _)| range.start);
    let mut painted = String::with_capacity(text.len() * 2);
    let mut end = 0;
    for (range, code) in marks {
        // A mark within another one, or at no character's edge, is left out.
        let (Some(before), Some(marked)) = (text.get(end..range.start), text.get(range.clone()))
        else {
            continue;
        };
        painted.extend([before, code, marked, RESET]);
        end = range.end;
    }
    painted.push_str(text.get(end..).unwrap_or_default());
    painted
}

fn code(look: Look) -> &'static str {
    match look {
        Look::Aside => "\x1b[2m",
        Look::Text => "\x1b[32m",
        Look::Keyword => "\x1b[35m",
        Look::Number => "\x1b[34m",
    }
}

/// The bracket at the cursor, else that before it, and its partner.
fn pair(syntax: Syntax, text: &str, cursor: usize) -> Option<[usize; 2]> {
    let places = [Some(cursor), cursor.checked_sub(1)];
    places.into_iter().flatten().find_map(|at| Some([at, syntax.matching(text, at)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn without_colours(painted: &str) -> String {
        let mut parts = painted.split('\x1b');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
    }

    #[test]
    fn looks_and_the_pair_at_the_cursor_are_painted() {
        let painted = painted(Syntax::Lisp, "(f 1)", Some(5));
        assert_eq!(painted, "\x1b[1;36m(\x1b[0mf \x1b[34m1\x1b[0m\x1b[1;36m)\x1b[0m");
    }

    proptest! {
        #[test]
        fn the_text_stays_what_it_is(text in r#"([()\[\]{}"\\;#':,\n a1é]){0,40}"#, cursor in 0..40_usize) {
            for syntax in [Syntax::Lisp, Syntax::Braces] {
                let painted = painted(syntax, &text, Some(cursor));
                prop_assert_eq!(without_colours(&painted), text.clone());
            }
        }
    }
}
