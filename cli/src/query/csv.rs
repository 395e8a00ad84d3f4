//! `-o csv`: RFC 4180, a line of heads, the replica first; every row of every replica.
//!
//! A cell is what the app gave, also where a spreadsheet would take it for a formula: a sign put
//! before it would change negative numbers and everything that programs read.

use prepl_core::Selection;
use prepl_fold::Value;

use super::cell;
use super::table::{REPLICA, Table, aligned};
use crate::render::crowd;
use crate::render::safe::{self, Layout};

/// The whole text, made safe where a terminal shows it; empty where no replica gave a table.
pub fn render(table: &Table, selection: &Selection, on_terminal: bool) -> String {
    if table.parts.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    let heads = std::iter::once(REPLICA).chain(table.columns.iter().map(String::as_str));
    line(&mut text, heads.map(|head| field(head, on_terminal)));
    for part in &table.parts {
        let name = field(&crowd::name(selection, part.replica), on_terminal);
        for row in part.rows() {
            let cells = aligned(&row, table.columns.len()).into_iter();
            let cells = cells.map(|value| value.map_or_else(String::new, |v| cell(v, on_terminal)));
            line(&mut text, std::iter::once(name.clone()).chain(cells));
        }
    }
    text
}

fn line(text: &mut String, fields: impl Iterator<Item = String>) {
    for (place, field) in fields.enumerate() {
        text.push_str(if place == 0 { "" } else { "," });
        text.push_str(&field);
    }
    text.push_str("\r\n");
}

/// Nothing stands for nil, an empty pair of quotes for the empty string.
fn cell(value: &Value, on_terminal: bool) -> String {
    match value {
        Value::Nil => String::new(),
        value => match field(&cell::plain(value), on_terminal) {
            empty if empty.is_empty() => "\"\"".to_owned(),
            field => field,
        },
    }
}

fn field(text: &str, on_terminal: bool) -> String {
    let shown = match on_terminal {
        true => safe::text(text, Layout::Block),
        false => text.to_owned(),
    };
    match shown.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", shown.replace('"', "\"\"")),
        false => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::read::Reading;
    use crate::render::example;

    fn rendered(texts: &[&str], on_terminal: bool) -> String {
        let answers = texts.iter().map(|text| example::ok(text)).collect();
        let results = example::results(example::api_fleet(texts.len()), answers);
        let table = Table::of(&results.answers, &Reading { rows: 100, heads: Vec::new() });
        render(&table, &results.selection, on_terminal)
    }

    #[test]
    fn every_row_of_every_replica_is_a_line_behind_its_name() {
        let text = rendered(&["[{:id 1 :note nil}]", "[{:id 1 :note \"\"} {:id -2}]"], false);
        let lines: Vec<_> = text.split("\r\n").collect();
        let wanted =
            ["replica,id,note", "api-6f7c9-00,1,", "api-6f7c9-01,1,\"\"", "api-6f7c9-01,-2,", ""];
        assert_eq!(lines, wanted);
    }

    #[test]
    fn quotes_commas_and_lines_are_quoted_and_formulas_stay() {
        let text = rendered(&[r#"[["a,b" "say \"x\"" "1\n2" "=1+1" "@a"]]"#], false);
        let row = "api-6f7c9-00,\"a,b\",\"say \"\"x\"\"\",\"1\n2\",=1+1,@a\r\n";
        assert_eq!(text.split_once("\r\n").unwrap().1, row);
    }

    #[test]
    fn a_terminal_is_shown_what_a_file_is_given() {
        let hostile = ["[\"\\u001b[2J\\r\"]"];
        assert!(rendered(&hostile, false).contains("\"\x1b[2J\r\"\r\n"));
        assert!(rendered(&hostile, true).ends_with(",\\x1b[2J\\r\r\n"));
    }
}
