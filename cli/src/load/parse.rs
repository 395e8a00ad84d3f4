//! Reading files on the replicas, before anything of them is evaluated anywhere.
//!
//! One expression has the texts as strings, and reads them with the replica's own reader.

use prepl_core::Expression;
use prepl_core::expression::MAX_BYTES;
use prepl_reader::text_literal;

use super::file::File;
use crate::problem::Problem;

const PROGRAM: &str = include_str!("parse.clj");
const PLACE: &str = "PREPL-FILES";

/// Longest piece of a text in bytes: a class of the JVM holds no string of 64 KiB, and a piece of
/// control characters is six times as long as a literal.
const PIECE: usize = 16 << 10;
/// Several files go into one expression up to this size; it is twice on its way and once in the log.
const TOGETHER: usize = 512 << 10;

/// The expressions that read all Clojure files.
pub fn expressions(files: &[File]) -> Result<Vec<Expression>, Problem> {
    let mut literals: Vec<String> = Vec::new();
    for file in files.iter().filter(|file| file.is_clojure()) {
        let literal = literal(file);
        if literal.len() + PROGRAM.len() > MAX_BYTES {
            let words =
                format!("{} is too large to be read by the replicas first", file.path.display());
            return Err(Problem::usage(words).hint("split the file; with quotes it is above 1 MiB"));
        }
        match literals.last_mut() {
            Some(last) if last.len() + literal.len() < TOGETHER => last.extend([" ", &literal]),
            _ => literals.push(literal),
        }
    }
    let program = |files: &String| PROGRAM.replace(PLACE, &format!("[{files}]"));
    let programs = literals.iter().map(program);
    programs.map(|text| Expression::new(text).map_err(Problem::usage)).collect()
}

/// A file as a vector of its name and the pieces of its text.
fn literal(file: &File) -> String {
    let name = text_literal(&file.path.display().to_string());
    let pieces = pieces(file.text.as_str()).map(text_literal);
    let words: Vec<_> = std::iter::once(name).chain(pieces).collect();
    format!("[{}]", words.join(" "))
}

fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, text: &str) -> File {
        let (name, text) = ("a.clj".parse().unwrap(), Expression::new(text).unwrap());
        File { path: path.into(), name, text, ns: None }
    }

    #[test]
    fn what_is_sent_can_be_read_whatever_the_files_hold() {
        let files = [file("a.clj", "\") (drop!) (\""), file("b\".clj", "\\ ; \n")];
        let sent = expressions(&files).unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!(prepl_reader::flaw(sent[0].as_str()), None);
        assert!(
            sent[0].as_str().contains(r#"[["a.clj" "\") (drop!) (\""] ["b\".clj" "\\ ; \n"]]"#)
        );
    }

    #[test]
    fn files_share_an_expression_up_to_a_size_and_others_than_clojure_have_none() {
        let half = "x".repeat(TOGETHER / 2 + 1);
        let files =
            [file("a.clj", "1"), file("b.clj", &half), file("c.clj", &half), file("d.rhai", "1")];
        let sent = expressions(&files).unwrap();
        let sizes: Vec<_> = sent.iter().map(|text| text.as_str().len() - PROGRAM.len()).collect();
        assert!(sizes.len() == 2 && sizes.iter().all(|size| *size < TOGETHER), "{sizes:?}");
        assert!(expressions(&files[3..]).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_is_too_large_with_its_quotes_is_refused() {
        let problem = expressions(&[file("a.clj", &"\"".repeat(MAX_BYTES - 2))]).unwrap_err();
        assert!(problem.message.starts_with("a.clj is too large"), "{problem}");
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in "[a-zé☃]{0,40}", times in 0_usize..2000) {
            let text = text.repeat(times);
            let pieces: Vec<_> = pieces(&text).collect();
            prop_assert!(pieces.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
            prop_assert_eq!(pieces.concat(), text);
        }
    }
}
