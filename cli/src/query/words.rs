//! What the command line asks: a template, perhaps a target, and the query.

use std::path::PathBuf;

use clap::Args;
use prepl_core::selection::Pattern;
use prepl_reader::text_literal;

use super::data;
use super::heads::heads;
use super::template::Language;
use crate::problem::Problem;
use crate::source::{self, Source};

/// The words without a flag, and the file that stands in for the last.
#[derive(Args, Clone, Debug, Default)]
pub struct Words {
    /// A template, perhaps TYPE/NAME or a regular expression on names, then the query; - reads stdin
    #[arg(value_name = "NAME [TARGET] QUERY", num_args = 0..=3, hide_short_help = false)]
    words: Vec<String>,
    /// Ask the text of a file; - reads stdin
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The name of the template.
    pub name: String,
    /// Whom, if anybody is named.
    pub target: Option<Pattern>,
    /// The query.
    pub text: String,
}

impl Words {
    /// Reads the words, and the query where it stands elsewhere.
    pub fn read(&self) -> Result<Asking, Problem> {
        let (name, target, source) = self.sort_out()?;
        let target = target.map(str::parse).transpose().map_err(Problem::usage)?;
        let text = source.text()?;
        match text.trim().is_empty() {
            false => Ok(Asking { name: name.to_owned(), target, text }),
            true => Err(Problem::usage("the query is empty; nothing ran")),
        }
    }

    fn sort_out(&self) -> Result<(&str, Option<&str>, Source), Problem> {
        let file = self.file.as_deref().map(Source::file);
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        match (file, &words[..]) {
            (_, []) => Err(Problem::usage("no template named; nothing ran")
                .hint("name one, then the query; prepl query --list shows which there are")),
            (Some(source), [name]) => Ok((name, None, source)),
            (Some(source), [name, target]) => Ok((name, Some(target), source)),
            (Some(_), _) => Err(Problem::usage("one query too many")
                .hint("give it as the last argument or with -f, not both")),
            (None, [name, target]) if source::is_workload(target) => {
                Err(Problem::usage(format!("no query given; {target} is a target"))
                    .hint(format!("write one behind it: prepl query {name} {target} 'select 1'")))
            }
            (None, [name, query]) => Ok((name, None, Source::argument(query))),
            (None, [name, target, query]) => Ok((name, Some(target), Source::argument(query))),
            (None, [name, ..]) => Err(Problem::usage("no query given; nothing ran")
                .hint(format!("write one behind the name: prepl query {name} 'select 1'"))),
        }
    }
}

/// A query as an expression that means it and runs nothing, and the heads it gives its tuples.
pub fn literal(text: &str, language: Language) -> Result<(String, Vec<String>), Problem> {
    match language {
        Language::Sql => Ok((text_literal(text), Vec::new())),
        Language::Datalog => {
            let form = data::form(text)
                .map_err(|bad| Problem::usage(format!("the query cannot be asked: {bad}")))?;
            Ok((data::quoted(&form), heads(&form)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        words: &[&str],
        file: Option<&str>,
    ) -> Result<(String, Option<String>, String), Problem> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let asking = Words { words, file: file.map(PathBuf::from) }.read()?;
        Ok((asking.name, asking.target.map(|target| target.to_string()), asking.text))
    }

    #[test]
    fn the_last_word_is_the_query_and_the_one_between_the_target() {
        let told = |name: &str, target: Option<&str>, text: &str| {
            (name.to_owned(), target.map(str::to_owned), text.to_owned())
        };
        assert_eq!(read(&["orders", "select 1"], None).unwrap(), told("orders", None, "select 1"));
        let (words, target) = (["orders", "deploy/api", "select 1"], Some("deployment/api"));
        assert_eq!(read(&words, None).unwrap(), told("orders", target, "select 1"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "select 2").unwrap();
        let path = file.path().to_str();
        assert_eq!(
            read(&["orders", "api"], path).unwrap(),
            told("orders", Some("api"), "select 2")
        );
    }

    #[test]
    fn what_lacks_and_what_is_too_much_is_told() {
        let told = |words: &[&str], file| read(words, file).unwrap_err().to_string();
        insta::assert_snapshot!(told(&[], None), @r"
        error: no template named; nothing ran
        hint: name one, then the query; prepl query --list shows which there are
        ");
        insta::assert_snapshot!(told(&["orders"], None), @r"
        error: no query given; nothing ran
        hint: write one behind the name: prepl query orders 'select 1'
        ");
        insta::assert_snapshot!(told(&["orders", "deploy/api"], None), @r"
        error: no query given; deploy/api is a target
        hint: write one behind it: prepl query orders deploy/api 'select 1'
        ");
        insta::assert_snapshot!(told(&["orders", "api", "select 1"], Some("f")), @r"
        error: one query too many
        hint: give it as the last argument or with -f, not both
        ");
        insta::assert_snapshot!(told(&["orders", " "], None), @"error: the query is empty; nothing ran");
    }

    #[test]
    fn a_query_is_a_string_or_a_form_whatever_it_says() {
        let sql = "select '\"' \\ \") (evil \"";
        let wanted = r#""select '\"' \\ \") (evil \"""#;
        assert_eq!(literal(sql, Language::Sql).unwrap(), (wanted.to_owned(), Vec::new()));
        let (form, heads) = literal("[:find ?e :where [?e]]", Language::Datalog).unwrap();
        assert_eq!(
            (&*form, &heads[..]),
            ("(quote [:find ?e :where [?e]])", &["?e".to_owned()][..])
        );
        let injected = literal("[:find ?e]) (evil", Language::Datalog).unwrap_err();
        assert!(injected.message.starts_with("the query cannot be asked: it is not one form"));
    }
}
