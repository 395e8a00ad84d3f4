//! `prepl query --list`: which templates there are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::template::{Language, Template};
use crate::render::columns::{Columns, Row};
use crate::render::page::Ink;
use crate::render::{self, Format};

/// The templates in one of the forms.
pub fn render(
    templates: &BTreeMap<String, (PathBuf, Template)>,
    format: Format,
    colour: bool,
) -> String {
    let entries: Vec<Json> =
        templates.iter().map(|(name, (path, template))| entry(name, path, template)).collect();
    let table = || table(&entries, colour);
    render::document(format, "templates", json!({ "templates": entries })).unwrap_or_else(table)
}

fn entry(name: &str, path: &std::path::Path, template: &Template) -> Json {
    json!({
        "name": name,
        "language": match template.language {
            Language::Sql => "sql",
            Language::Datalog => "datalog",
        },
        "target": template.target.as_ref().map(ToString::to_string),
        "read_only": template.read_only,
        "file": path.display().to_string(),
        "description": template.description,
    })
}

fn table(entries: &[Json], colour: bool) -> String {
    let heads = ["NAME", "LANGUAGE", "TARGET", "READ-ONLY", "DESCRIPTION", "FILE"];
    let mut columns = Columns::new(heads.map(str::to_owned).to_vec());
    for entry in entries {
        let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
        let read_only = if entry["read_only"] == true { "yes" } else { "no" }.to_owned();
        let cells = vec![
            text("name"),
            text("language"),
            text("target"),
            read_only,
            text("description"),
            text("file"),
        ];
        columns.push(Row { ink: Ink::Plain, cells });
    }
    columns.render(colour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::template;

    #[test]
    fn each_template_is_a_line() {
        let text = "[orders]\nlanguage = 'sql'\nexpression = '(f {{query}})'\nread-only = true\n\
                    target = 'deploy/api'\ndescription = 'the orders'\n\
                    [people]\nlanguage = 'datalog'\nexpression = '(g {{query}})'\n";
        let all = template::parse(text).unwrap().into_iter();
        let all: BTreeMap<_, _> =
            all.map(|(name, one)| (name, (PathBuf::from("/q.toml"), one))).collect();
        insta::assert_snapshot!(render(&all, Format::Table, false), @r"
        NAME    LANGUAGE  TARGET          READ-ONLY  DESCRIPTION  FILE
        orders  sql       deployment/api  yes        the orders   /q.toml
        people  datalog   -               no                      /q.toml
        ");
        let json: Json = serde_json::from_str(&render(&all, Format::Json, false)).unwrap();
        assert_eq!(json["templates"][1]["target"], Json::Null);
    }
}
