//! Where the expression and the target come from: arguments, files or standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use prepl_core::Expression;
use prepl_core::expression::MAX_BYTES;
use prepl_core::selection::Pattern;

use crate::problem::Problem;

/// What to evaluate, and on which target.
#[derive(Args, Clone, Debug, Default)]
pub struct SourceArgs {
    /// TYPE/NAME or a regular expression on names, then the expression; - reads stdin
    #[arg(value_name = "[TARGET] EXPR", num_args = 0..=2, hide_short_help = false)]
    positional: Vec<String>,
    /// Evaluate this; repeat for several forms, which answer one by one
    #[arg(short = 'e', long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    expressions: Vec<String>,
    /// Evaluate the text of a file; - reads stdin
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "expressions")]
    file: Option<PathBuf>,
}

/// Where a text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the arguments.
    Text(String),
    /// On standard input.
    Stdin,
    /// In a file.
    File(PathBuf),
}

impl SourceArgs {
    /// Reads the target and the expression.
    pub fn read(&self) -> Result<(Option<Pattern>, Expression), Problem> {
        let (target, source) = self.sort_out()?;
        let target = target.map(str::parse).transpose().map_err(Problem::usage)?;
        let text = source.text()?;
        Ok((target, Expression::new(text).map_err(Problem::usage)?))
    }

    fn sort_out(&self) -> Result<(Option<&str>, Source), Problem> {
        let given = match (&self.file, &self.expressions[..]) {
            (Some(path), _) => Some(Source::file(path)),
            (None, []) => None,
            (None, expressions) => Some(Source::Text(expressions.join("\n"))),
        };
        match (given, &self.positional[..]) {
            (Some(source), []) => Ok((None, source)),
            (Some(source), [target]) => Ok((Some(target), source)),
            (Some(_), _) => Err(Problem::usage("one expression too many")
                .hint("give it as the last argument, or with -e or -f, not both")),
            (None, [target]) if is_workload(target) => {
                Err(Problem::usage(format!("no expression given; {target} is a target"))
                    .hint(format!("write one behind it: prepl exec {target} '(+ 1 2)'")))
            }
            (None, [expression]) => Ok((None, Source::argument(expression))),
            (None, [target, expression]) => Ok((Some(target), Source::argument(expression))),
            (None, _) => Err(Problem::usage("no expression given; nothing ran")
                .hint("write it as the last argument: prepl exec -l app=api '(+ 1 2)'")),
        }
    }
}

/// Whether a lone argument names replicas, and is no expression of any language.
pub fn is_workload(text: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    let named =
        text.split_once('/').filter(|(kind, name)| !name.is_empty() && plain(name) && plain(kind));
    named.is_some_and(|(kind, _)| prepl_core::selection::workload_kind(kind).is_some())
}

impl Source {
    /// An argument; `-` is standard input.
    pub fn argument(text: &str) -> Source {
        if text == "-" { Source::Stdin } else { Source::Text(text.to_owned()) }
    }

    /// A file; `-` is standard input.
    pub fn file(path: &Path) -> Source {
        if path.as_os_str() == "-" { Source::Stdin } else { Source::File(path.to_owned()) }
    }

    /// Reads the text, of at most [`MAX_BYTES`].
    pub fn text(self) -> Result<String, Problem> {
        match self {
            Source::Text(text) => Ok(text),
            Source::Stdin => read_bounded(std::io::stdin().lock(), "stdin"),
            Source::File(path) => {
                let name = path.display().to_string();
                let file = std::fs::File::open(&path)
                    .map_err(|error| Problem::usage(format!("cannot open {name}: {error}")))?;
                read_bounded(file, &name)
            }
        }
    }
}

/// Reads one byte more than allowed, so that the size check of the expression can refuse it.
fn read_bounded(source: impl Read, name: &str) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let read = source.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Problem::usage(format!("cannot read {name}: {error}")))?;
    if bytes.len() > MAX_BYTES {
        return Err(Problem::usage(format!("{name} has more than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Problem::usage(format!("{name} is not UTF-8 text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(positional: &[&str], expressions: &[&str], file: Option<&str>) -> SourceArgs {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        SourceArgs {
            positional: own(positional),
            expressions: own(expressions),
            file: file.map(PathBuf::from),
        }
    }

    fn sorted(args: &SourceArgs) -> Option<(Option<&str>, Source)> {
        args.sort_out().ok()
    }

    #[test]
    fn one_argument_is_the_expression_and_two_are_target_and_expression() {
        let text = |text: &str| Source::Text(text.to_owned());
        assert_eq!(sorted(&args(&["1"], &[], None)), Some((None, text("1"))));
        assert_eq!(sorted(&args(&["api", "1"], &[], None)), Some((Some("api"), text("1"))));
        assert_eq!(sorted(&args(&["-"], &[], None)), Some((None, Source::Stdin)));
    }

    #[test]
    fn with_e_or_f_an_argument_is_the_target() {
        let forms = Source::Text("1\n2".to_owned());
        assert_eq!(sorted(&args(&["api"], &["1", "2"], None)), Some((Some("api"), forms)));
        assert_eq!(sorted(&args(&[], &[], Some("-"))), Some((None, Source::Stdin)));
        let file = Source::File("a.clj".into());
        assert_eq!(sorted(&args(&["api"], &[], Some("a.clj"))), Some((Some("api"), file)));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert!(args(&[], &[], None).sort_out().is_err());
        assert!(args(&["api", "1"], &["1"], None).sort_out().is_err());
        assert!(args(&["deploy/api"], &[], None).sort_out().is_err());
        assert!(args(&["(/ 6 2)"], &[], None).sort_out().is_ok());
        assert!(args(&["a/b"], &[], None).sort_out().is_ok());
    }

    #[test]
    fn a_text_that_is_too_large_or_no_text_is_refused() {
        let large = vec![b'x'; MAX_BYTES + 1];
        assert!(read_bounded(&large[..], "f").unwrap_err().message.contains("more than"));
        assert!(read_bounded(&b"\xff"[..], "f").unwrap_err().message.contains("UTF-8"));
        assert_eq!(read_bounded(&b"(+ 1 2)"[..], "f").unwrap(), "(+ 1 2)");
    }
}
