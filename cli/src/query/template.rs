//! A file of templates: how each service is asked, by name. Every error names its line.

use std::collections::BTreeMap;
use std::str::FromStr;

use prepl_core::selection::Pattern;
use serde::{Deserialize, Deserializer};

use super::body::Body;

/// Largest file in bytes: 256 templates of 1 KiB.
pub const MAX_BYTES: u64 = 256 << 10;
/// Most templates of one file.
const MAX_TEMPLATES: usize = 256;
/// Longest name in bytes.
const MAX_NAME: usize = 63;

/// The language of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// A text: SQL and whatever else the app takes as a string.
    Sql,
    /// One form of EDN: Datomic, DataScript, XTDB.
    Datalog,
}

/// How one service is asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Template {
    /// What a query is written in.
    pub language: Language,
    /// What is evaluated.
    #[serde(deserialize_with = "read")]
    pub expression: Body,
    /// Whom, where the command line names nobody.
    #[serde(default, deserialize_with = "read_some")]
    pub target: Option<Pattern>,
    /// Namespace or module to evaluate in.
    pub ns: Option<String>,
    /// Only where something keeps it from writing.
    #[serde(default)]
    pub read_only: bool,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadFile {
    /// Line of the problem, from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub problem: String,
}

/// Templates by their names.
pub type Templates = BTreeMap<String, Template>;

/// Reads the text of a file.
pub fn parse(text: &str) -> Result<Templates, BadFile> {
    let templates: Templates = toml_edit::de::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let problem = error.message().lines().next().unwrap_or_default().to_owned();
        BadFile { line: line(text, start), problem }
    })?;
    if templates.len() > MAX_TEMPLATES {
        let problem = format!("a file has at most {MAX_TEMPLATES} templates; make several files");
        return Err(BadFile { line: 1, problem });
    }
    match templates.keys().find(|name| !is_name(name)) {
        None => Ok(templates),
        Some(name) => Err(BadFile {
            line: line(text, text.find(name.as_str()).unwrap_or(0)),
            problem: format!(
                "{name:?} names no template: letters, digits, - and _, at most {MAX_NAME}"
            ),
        }),
    }
}

/// Whether this can name a template.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-')
}

fn line(text: &str, start: usize) -> usize {
    text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1
}

fn read<'de, D: Deserializer<'de>, T: FromStr<Err: std::fmt::Display>>(
    from: D,
) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn read_some<'de, D: Deserializer<'de>, T: FromStr<Err: std::fmt::Display>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    read(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = r#"
# How the shop is asked.
[orders]
language = "sql"
expression = "(shop.db/read {{query}} {{args}} {{rows}} {{bytes}})"
target = "deploy/api"
read-only = true
description = "the orders"

[people]
language = "datalog"
ns = "shop.people"
expression = '''
(ask {{query}})
'''
"#;

    fn flaw(from: &str, to: &str) -> String {
        assert!(ORDERS.contains(from));
        parse(&ORDERS.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_file_has_templates_by_name() {
        let templates = parse(ORDERS).unwrap();
        assert_eq!(templates.keys().collect::<Vec<_>>(), ["orders", "people"]);
        let orders = &templates["orders"];
        assert_eq!((orders.language, orders.read_only), (Language::Sql, true));
        assert!(orders.target.is_some() && orders.expression.takes_arguments());
        let people = &templates["people"];
        assert_eq!((people.language, people.read_only), (Language::Datalog, false));
        assert_eq!((people.ns.as_deref(), people.target.is_none()), (Some("shop.people"), true));
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_flaw_is_told_with_its_line() {
        insta::assert_snapshot!(flaw("{{args}}", "{{argument}}"), @"line 5: nothing fills {{argument}}; there are {{query}}, {{args}}, {{rows}} and {{bytes}}");
        insta::assert_snapshot!(flaw("(ask {{query}})", "(ask)"), @"line 13: the expression has no {{query}}, so that the query would go nowhere");
        insta::assert_snapshot!(flaw("deploy/api", "(("), @r#"line 6: cannot read "((" as a regular expression on replica names"#);
        insta::assert_snapshot!(flaw("\"datalog\"", "\"graphql\""), @"line 11: unknown variant `graphql`, expected `sql` or `datalog`");
        insta::assert_snapshot!(flaw("read-only", "read_only"), @"line 7: unknown field `read_only`, expected one of `language`, `expression`, `target`, `ns`, `read-only`, `description`");
        insta::assert_snapshot!(flaw("[people]", "[\"a b\"]"), @r#"line 10: "a b" names no template: letters, digits, - and _, at most 63"#);
        insta::assert_snapshot!(flaw("language = \"sql\"\n", ""), @"line 3: missing field `language`");
    }

    #[test]
    fn a_file_has_so_many_templates_and_no_more() {
        let of = |count: usize| -> String {
            let one = |n| format!("[q{n}]\nlanguage = 'sql'\nexpression = '{{{{query}}}}'\n");
            (0..count).map(one).collect()
        };
        assert_eq!(parse(&of(MAX_TEMPLATES)).unwrap().len(), MAX_TEMPLATES);
        assert!(parse(&of(MAX_TEMPLATES + 1)).unwrap_err().problem.contains("at most 256"));
    }

    #[test]
    fn names_are_plain_words() {
        assert!(is_name("orders-2_a") && is_name(&"x".repeat(MAX_NAME)));
        let bad = ["", "-x", "a.b", "ä", "a b"];
        assert!(!bad.iter().any(|name| is_name(name)) && !is_name(&"x".repeat(MAX_NAME + 1)));
    }
}
