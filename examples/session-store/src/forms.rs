use steel::parser::parser::Parser;

/// How deep the brackets of one program may nest; the compiler recurses over them.
const MAX_NESTING: usize = 500;

/// One top-level form as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// A complete form.
    Whole(&'a str),
    /// The rest of the text, in which no form can be found; nothing follows it.
    Unreadable(&'a str),
    /// The program nests too deeply to be compiled; nothing follows it.
    TooDeep,
}

/// Cuts a program into its top-level forms.
pub(crate) fn forms(program: &str) -> Vec<Form<'_>> {
    if nesting(program) > MAX_NESTING {
        return vec![Form::TooDeep];
    }
    let (mut parser, mut start, mut forms) = (Parser::new_flat(program, None), 0, Vec::new());
    while let Some(read) = parser.next() {
        match (read, program.get(start..parser.offset())) {
            (Ok(_), Some(text)) => {
                forms.push(Form::Whole(text));
                start = parser.offset();
            }
            _ => {
                forms.push(Form::Unreadable(program.get(start..).unwrap_or(program)));
                break;
            }
        }
    }
    forms
}

/// The deepest nesting of brackets and quotes; those inside of texts count as well.
fn nesting(program: &str) -> usize {
    let (mut open, mut quotes, mut deepest) = (0_usize, 0_usize, 0);
    for byte in program.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'\'' | b'`' | b',' | b'@' => quotes += 1,
            b' ' | b'\n' => {}
            _ => quotes = 0,
        }
        deepest = deepest.max(open + quotes);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(program: &str) -> Vec<String> {
        let text = |form| match form {
            Form::Whole(text) => text.trim().to_owned(),
            other => format!("{other:?}"),
        };
        forms(program).into_iter().map(text).collect()
    }

    #[test]
    fn a_program_is_cut_into_its_forms() {
        assert_eq!(
            texts("1 (+ 1\n 2) 'a \"b ) c\" #\\( x"),
            ["1", "(+ 1\n 2)", "'a", "\"b ) c\"", "#\\(", "x"]
        );
    }

    #[test]
    fn nothing_but_comments_is_no_form() {
        assert!(forms("").is_empty());
        assert!(forms(" ; only a comment\n").is_empty());
    }

    #[test]
    fn what_cannot_be_read_ends_the_program() {
        assert_eq!(forms("1 (+ 1"), [Form::Whole("1"), Form::Unreadable(" (+ 1")]);
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_compiled() {
        assert_eq!(forms(&"(".repeat(100_000)), [Form::TooDeep]);
        assert_eq!(forms(&"'".repeat(100_000)), [Form::TooDeep]);
    }
}
