//! `-o edn`: a vector of maps, one for every row of every replica.

use prepl_core::Selection;
use prepl_fold::{Value, canonical};

use super::table::{Cells, Table};
use crate::render::{crowd, edn, safe};

/// The key of the replica; no column has a namespace of that name.
const REPLICA: &str = ":prepl/replica";

/// The vector, one map a line.
pub fn render(table: &Table, selection: &Selection) -> String {
    let keys: Vec<_> = table.columns.iter().map(|name| key(name)).collect();
    let rows = table.parts.iter().flat_map(|part| {
        let name = canonical(&Value::Str(crowd::name(selection, part.replica)));
        let keys = &keys;
        part.rows().map(move |row| format!("{{{REPLICA} {name}{}}}", cells(&row, keys)))
    });
    let rows: Vec<_> = rows.collect();
    safe::json(&format!("[{}]\n", rows.join("\n ")))
}

fn cells(row: &Cells, keys: &[String]) -> String {
    row.iter().map(|(column, value)| format!(", {} {}", keys[*column], cell(value))).collect()
}

/// What is no EDN is a string of its text.
fn cell(value: &Value) -> String {
    match edn::is_edn(value) {
        true => canonical(value),
        false => canonical(&Value::Str(canonical(value))),
    }
}

/// A keyword where the name can be one, else a string.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".*+!-_?$%&=<>/".contains(c);
    let is_keyword = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(plain)
        && !name.ends_with('/')
        && name.matches('/').count() < 2
        && !name.starts_with("prepl/");
    match is_keyword {
        true => format!(":{name}"),
        false => canonical(&Value::Str(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::read::Reading;
    use crate::render::example;

    fn rendered(texts: &[&str]) -> String {
        let answers = texts.iter().map(|text| example::ok(text)).collect();
        let results = example::results(example::api_fleet(texts.len()), answers);
        let table = Table::of(&results.answers, &Reading { rows: 100, heads: Vec::new() });
        render(&table, &results.selection)
    }

    #[test]
    fn every_row_is_a_map_with_its_replica() {
        let text =
            rendered(&["[{:id 1 :orders/at #inst \"2026\"}]", "[{:id 2 \"count(*)\" #<x>}]"]);
        insta::assert_snapshot!(text, @r##"
        [{:prepl/replica "api-6f7c9-00", :id 1, :orders/at #inst "2026"}
         {:prepl/replica "api-6f7c9-01", :id 2, "count(*)" "#<x>"}]
        "##);
        assert_eq!(rendered(&["[]"]), "[]\n");
    }

    #[test]
    fn it_is_edn_whatever_the_replica_says() {
        let hostile = "[{:prepl/replica \"me\" :a\u{1b} \u{202e}x} [#=(evil) '(1) \"\\u001b\"]]";
        let text = rendered(&[hostile]);
        assert!(!text.contains(|c| safe::is_dangerous(c) && c != '\n'), "{text:?}");
        let Some(Value::Vector(rows)) = prepl_fold::read(&text, 10_000) else { panic!("{text}") };
        assert_eq!(rows.len(), 2);
        assert!(text.contains("\"#= (evil)\"") && text.contains("\"'(1)\""), "{text}");
    }
}
