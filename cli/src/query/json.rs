//! `-o json` and `-o jsonl`: columns, rows with their replicas, and how each replica ended.

use prepl_core::{ExitCode, ReplicaIndex};
use serde_json::{Map, Value as Json, json};

use super::cell;
use super::table::{Part, Table};
use crate::render::{self, Results, crowd, jsonl, record};

/// One document.
pub fn document(table: &Table, results: &Results, code: ExitCode) -> String {
    render::json::written(&json!({
        "columns": table.columns,
        "rows": rows(table, results).collect::<Vec<_>>(),
        "replicas": replicas(table, results).collect::<Vec<_>>(),
        "summary": record::summary(results, code),
    }))
}

/// One object a line.
pub fn lines(table: &Table, results: &Results, code: ExitCode) -> String {
    let rows = rows(table, results).map(|row| jsonl::line("row", row));
    let replicas = replicas(table, results).map(|one| jsonl::line("replica", one));
    let first = jsonl::line("columns", json!({ "columns": table.columns }));
    let last = jsonl::line("summary", record::summary(results, code));
    [first].into_iter().chain(rows).chain(replicas).chain([last]).collect()
}

/// Every row of every replica; what it has no value for is not in `values`.
fn rows(table: &Table, results: &Results) -> impl Iterator<Item = Json> {
    table.parts.iter().flat_map(move |part| {
        let name = crowd::name(&results.selection, part.replica);
        part.rows().map(move |row| {
            let values = row.into_iter();
            let values = values.map(|(at, value)| (table.columns[at].clone(), cell::json(value)));
            json!({ "replica": name, "values": values.collect::<Map<_, _>>() })
        })
    })
}

/// How each replica ended, without the text of its answer: that is its rows.
fn replicas(table: &Table, results: &Results) -> impl Iterator<Item = Json> {
    results.answers.iter().map(|answer| {
        let mut told = record::result(&results.selection, answer);
        if let Json::Object(told) = &mut told {
            let text = ["text", "value", "values", "digest", "truncated"];
            told.retain(|key, _| !text.contains(&key.as_str()));
            told.extend(read(table, answer.replica));
        }
        told
    })
}

/// How many rows were read of a replica, or why none.
fn read(table: &Table, replica: ReplicaIndex) -> Vec<(String, Json)> {
    let part = table.parts.iter().find(|part| part.replica == replica);
    let without = table.without.iter().find(|(index, _)| *index == replica);
    let rows = |part: &Part| {
        vec![("rows".to_owned(), part.len().into()), ("cut".to_owned(), part.is_cut().into())]
    };
    let why = |why: String| vec![("no_table".to_owned(), why.into())];
    part.map(rows).or(without.map(|(_, reason)| why(reason.to_string()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::read::Reading;
    use crate::render::example;

    fn results() -> (Table, Results) {
        let answers = vec![
            example::ok("[{:id 1 :at nil} {:id 2 :tags #{:a}}]"),
            example::ok("#<void"),
            example::raised("a.B", "no"),
        ];
        let results = example::results(example::api_fleet(3), answers);
        let table = Table::of(&results.answers, &Reading { rows: 1, heads: Vec::new() });
        (table, results)
    }

    #[test]
    fn a_document_has_columns_rows_and_every_replica() {
        let (table, results) = results();
        let document: Json =
            serde_json::from_str(&document(&table, &results, ExitCode::SomeRaised)).unwrap();
        assert_eq!(document["columns"], json!(["id", "at"]));
        let row = json!({ "replica": "api-6f7c9-00", "values": { "at": null, "id": 1 } });
        assert_eq!(document["rows"], json!([row]));
        let [first, second, third] = &document["replicas"].as_array().unwrap()[..] else {
            panic!()
        };
        assert_eq!([&first["rows"], &first["cut"]], [&json!(1), &json!(true)]);
        assert!(first.get("text").is_none() && first.get("digest").is_none());
        assert!(second["no_table"].as_str().unwrap().contains("cannot be read"));
        assert_eq!(third["class"], "raised");
        assert_eq!(document["summary"]["exit_code"], 6);
    }

    #[test]
    fn lines_say_the_same() {
        let (table, results) = results();
        let text = lines(&table, &results, ExitCode::SomeRaised);
        let kinds: Vec<String> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<Json>(line).unwrap()["kind"].as_str().unwrap().into()
            })
            .collect();
        assert_eq!(kinds, ["columns", "row", "replica", "replica", "replica", "summary"]);
    }
}
