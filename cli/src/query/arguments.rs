//! `--arg` and `--arg-edn`, in the order in which they were written.

use clap::{ArgMatches, Args, FromArgMatches};
use prepl_fold::Value;
use prepl_reader::text_literal;

use super::data;
use crate::problem::Problem;

/// Most arguments of one query.
const MAX_ARGUMENTS: usize = 100;

/// The arguments of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments(Vec<Given>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Text(String),
    Edn(String),
}

#[derive(Args)]
struct Flags {
    /// An argument of the query, as a string; repeat for several
    #[arg(long = "arg", value_name = "TEXT", allow_hyphen_values = true)]
    texts: Vec<String>,
    /// An argument of the query, as EDN: 42, :open, [1 2]; repeat for several
    #[arg(long = "arg-edn", value_name = "EDN", allow_hyphen_values = true)]
    forms: Vec<String>,
}

impl Arguments {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An expression that gives them as a vector, and evaluates nothing.
    pub fn vector(&self) -> Result<String, Problem> {
        if self.0.len() > MAX_ARGUMENTS {
            return Err(Problem::usage(format!("a query has at most {MAX_ARGUMENTS} arguments")));
        }
        let items = self.0.iter().map(|given| match given {
            Given::Text(text) => Ok(text_literal(text)),
            Given::Edn(text) => form(text).map(|form| data::quoted(&form)),
        });
        Ok(format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(", ")))
    }
}

fn form(text: &str) -> Result<Value, Problem> {
    data::form(text).map_err(|bad| Problem::usage(format!("--arg-edn {text}: {bad}")))
}

impl Args for Arguments {
    fn augment_args(command: clap::Command) -> clap::Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Flags::augment_args_for_update(command)
    }
}

impl FromArgMatches for Arguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Arguments, clap::Error> {
        let flags = Flags::from_arg_matches(matches)?;
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let texts = places("texts").zip(flags.texts.into_iter().map(Given::Text));
        let forms = places("forms").zip(flags.forms.into_iter().map(Given::Edn));
        let mut given: Vec<_> = texts.chain(forms).collect();
        given.sort_by_key(|(place, _)| *place);
        Ok(Arguments(given.into_iter().map(|(_, given)| given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Arguments::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(line: &[&str]) -> Result<String, Problem> {
        let command = Arguments::augment_args(clap::Command::new("test"));
        let matches = command.try_get_matches_from([&["test"], line].concat()).unwrap();
        Arguments::from_arg_matches(&matches).unwrap().vector()
    }

    #[test]
    fn they_keep_their_order() {
        let line = ["--arg", "a\"b", "--arg-edn", "42", "--arg=-x", "--arg-edn", "[a (b)]"];
        assert_eq!(vector(&line).unwrap(), r#"["a\"b", 42, "-x", (quote [a (b)])]"#);
        assert_eq!(vector(&[]).unwrap(), "[]");
    }

    #[test]
    fn what_is_no_form_and_what_is_too_much_is_refused() {
        let bad = vector(&["--arg-edn", "1) (evil"]).unwrap_err();
        assert!(bad.message.starts_with("--arg-edn 1) (evil: it is not one form"), "{bad}");
        let many = ["--arg", "x"].repeat(MAX_ARGUMENTS + 1);
        assert!(vector(&many).unwrap_err().message.contains("at most 100"));
    }
}
