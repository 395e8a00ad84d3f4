//! Reads an answer as rows; it is not trusted, and every part of it is bounded.

use std::collections::HashMap;

use prepl_core::Answer;
use prepl_fold::Value;

use super::order::Order;
use super::sheet::{Column, MAX_COLUMNS, NoTable, Sheet};

/// Largest text that is read: the largest value that a sidecar gives.
const MAX_TEXT: usize = 8 << 20;
/// Longest head in characters.
const MAX_HEAD: usize = 128;
/// The head of what is neither a map nor a tuple.
const ALONE: &str = "value";

/// How answers are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Most rows that are kept.
    pub rows: usize,
    /// Heads of tuples, where their number is this.
    pub heads: Vec<String>,
}

/// Reads the last value of an answer.
pub fn read(answer: &Answer, reading: &Reading) -> Result<Sheet, NoTable> {
    let value = answer.values.last().ok_or(NoTable::Nothing)?;
    if value.truncated {
        return Err(NoTable::Cut);
    }
    let order = Order::of(&value.text);
    let value = prepl_fold::read(&value.text, MAX_TEXT).ok_or(NoTable::Unreadable)?;
    let sheet = Sheet { size: size(&value), ..Sheet::default() };
    let mut making = Making { reading, order, places: HashMap::new(), sheet };
    making.whole(value)?;
    Ok(making.sheet)
}

/// A sheet under construction.
struct Making<'a> {
    reading: &'a Reading,
    order: Order,
    places: HashMap<Column, usize>,
    sheet: Sheet,
}

impl Making<'_> {
    fn whole(&mut self, value: Value) -> Result<(), NoTable> {
        match value {
            Value::Nil => Ok(()),
            Value::List(items) | Value::Vector(items) | Value::Set(items) => {
                self.rows(items, &self.reading.heads)
            }
            Value::Map(pairs) => match Headed::of(&pairs) {
                Some(headed) => self.headed(headed),
                None => self.row(Value::Map(pairs), &[]),
            },
            alone => self.row(alone, &[]),
        }
    }

    fn headed(&mut self, Headed { heads, rows, cut }: Headed) -> Result<(), NoTable> {
        self.sheet.cut = cut;
        // Also of a table without rows the heads are shown.
        self.places(heads.clone())?;
        self.rows(rows, &heads)
    }

    fn rows(&mut self, rows: Vec<Value>, heads: &[String]) -> Result<(), NoTable> {
        self.sheet.cut |= rows.len() > self.reading.rows;
        rows.into_iter().take(self.reading.rows).try_for_each(|row| self.row(row, heads))
    }

    fn row(&mut self, row: Value, heads: &[String]) -> Result<(), NoTable> {
        let (heads, cells): (Vec<String>, Vec<Value>) = match row {
            Value::Map(pairs) => {
                let mut pairs: Vec<_> =
                    pairs.into_iter().map(|(key, cell)| (head(&key), cell)).collect();
                pairs.sort_by_key(|(head, _)| self.order.place(head));
                pairs.into_iter().unzip()
            }
            Value::List(cells) | Value::Vector(cells) if heads.len() == cells.len() => {
                (heads.to_vec(), cells)
            }
            Value::List(cells) | Value::Vector(cells) => {
                ((1..=cells.len()).map(|number| number.to_string()).collect(), cells)
            }
            alone => (vec![ALONE.to_owned()], vec![alone]),
        };
        let places = self.places(heads)?;
        self.sheet.rows.push(places.into_iter().zip(cells).collect());
        Ok(())
    }

    /// Where the columns of a row stand; a head that comes again is another column.
    fn places(&mut self, heads: Vec<String>) -> Result<Vec<usize>, NoTable> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let places = heads.into_iter().map(|head| {
            let count = seen.entry(head.clone()).or_default();
            *count += 1;
            self.place(Column { head, nth: *count - 1 })
        });
        places.collect()
    }

    /// Where a column stands; a new one behind the others.
    fn place(&mut self, column: Column) -> Result<usize, NoTable> {
        let next = self.sheet.columns.len();
        if let Some(place) = self.places.get(&column) {
            return Ok(*place);
        }
        if next == MAX_COLUMNS {
            return Err(NoTable::Wide);
        }
        self.places.insert(column.clone(), next);
        self.sheet.columns.push(column);
        Ok(next)
    }
}

/// `{:columns […] :rows [[…] …]}`, perhaps with `:cut true`.
struct Headed {
    heads: Vec<String>,
    rows: Vec<Value>,
    cut: bool,
}

impl Headed {
    fn of(pairs: &[(Value, Value)]) -> Option<Headed> {
        let get = |name: &str| {
            pairs.iter().find_map(|(key, value)| (head(key) == name).then(|| value.clone()))
        };
        let items = |value: Value| match value {
            Value::List(items) | Value::Vector(items) => Some(items),
            Value::Nil => Some(Vec::new()),
            _ => None,
        };
        Some(Headed {
            heads: items(get("columns")?)?.iter().map(head).collect(),
            rows: items(get("rows")?)?,
            cut: get("cut") == Some(Value::Bool(true)),
        })
    }
}

/// The text of a head: a name without its colon, and not longer than a head may be.
fn head(key: &Value) -> String {
    let text = match key {
        Value::Str(text) => text.clone(),
        Value::Keyword(text) => text.strip_prefix(':').unwrap_or(text).to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_HEAD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn size(value: &Value) -> usize {
    let parts = match value {
        Value::List(items) | Value::Vector(items) | Value::Set(items) => {
            items.iter().map(size).sum()
        }
        Value::Map(pairs) => pairs.iter().map(|(key, value)| size(key) + size(value)).sum(),
        Value::Tagged(_, inner) => size(inner),
        _ => 0,
    };
    1 + parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::sheet::Row;
    use crate::render::example;
    use proptest::prelude::*;

    fn reading() -> Reading {
        Reading { rows: 3, heads: vec!["?e".to_owned(), "?name".to_owned()] }
    }

    fn sheet(text: &str) -> Result<Sheet, NoTable> {
        read(&example::ok(text), &reading())
    }

    /// The columns, then a line a row.
    fn shown(text: &str) -> String {
        let sheet = sheet(text).unwrap();
        let columns: Vec<_> =
            sheet.columns.iter().map(|column| format!("{}.{}", column.head, column.nth)).collect();
        let row = |row: &Row| {
            let cells: Vec<_> = row.iter().map(|(at, value)| format!("{at}={value}")).collect();
            format!("\n{}", cells.join(" "))
        };
        let rows: String = sheet.rows.iter().map(row).collect();
        let cut = if sheet.cut { "\ncut" } else { "" };
        format!("{}{rows}{cut}", columns.join(" "))
    }

    #[test]
    fn maps_have_a_column_a_key() {
        insta::assert_snapshot!(shown("({:id 1 :state \"open\"} {:id 2 :orders/at nil})"), @r#"
        id.0 state.0 orders/at.0
        0=1 1="open"
        0=2 2=nil
        "#);
        insta::assert_snapshot!(shown(r#"[{"id": 1, "state": "open"}]"#), @r#"
        id.0 state.0
        0=1 1="open"
        "#);
        insta::assert_snapshot!(shown("{:id 1}"), @r"
        id.0
        0=1
        ");
        insta::assert_snapshot!(shown("{:id 1 \"id\" 2}"), @r"
        id.0 id.1
        0=2 1=1
        ");
    }

    #[test]
    fn tuples_have_the_heads_of_the_query_or_numbers() {
        insta::assert_snapshot!(shown("#{[2 \"b\"] [1 \"a\"]}"), @r#"
        ?e.0 ?name.0
        0=1 1="a"
        0=2 1="b"
        "#);
        insta::assert_snapshot!(shown("[[1 2 3]]"), @r"
        1.0 2.0 3.0
        0=1 1=2 2=3
        ");
        insta::assert_snapshot!(shown("[1 2]"), @r"
        value.0
        0=1
        0=2
        ");
        insta::assert_snapshot!(shown("344"), @r"
        value.0
        0=344
        ");
    }

    #[test]
    fn an_answer_with_heads_may_have_them_twice_and_no_rows() {
        let joined = "{:columns [\"id\" \"id\"] :rows ([1 2] [3 4 5]) :cut true}";
        insta::assert_snapshot!(shown(joined), @r"
        id.0 id.1 1.0 2.0 3.0
        0=1 1=2
        2=3 3=4 4=5
        cut
        ");
        insta::assert_snapshot!(shown("{:columns [:id], :rows []}"), @"id.0");
        insta::assert_snapshot!(shown("{:columns 1 :rows 2}"), @r"
        columns.0 rows.0
        0=1 1=2
        ");
    }

    #[test]
    fn nothing_is_a_table_without_rows() {
        let none = ["nil", "[]", "()", "#{}"];
        assert!(none.iter().all(|text| sheet(text).unwrap().rows.is_empty()));
    }

    #[test]
    fn a_row_more_than_was_wanted_tells_that_there_are_more() {
        let cut = |text: &str| sheet(text).map(|sheet| (sheet.rows.len(), sheet.cut)).unwrap();
        assert_eq!(cut("[1 2 3]"), (3, false));
        assert_eq!(cut("[1 2 3 4]"), (3, true));
    }

    #[test]
    fn what_is_no_table_is_told() {
        assert_eq!(sheet("#<void"), Err(NoTable::Unreadable));
        let mut answer = example::ok("[[1 2] [3");
        answer.values[0].truncated = true;
        assert_eq!(read(&answer, &reading()), Err(NoTable::Cut));
        answer.values.clear();
        assert_eq!(read(&answer, &reading()), Err(NoTable::Nothing));
        let wide = |count: usize| format!("[[{}]]", "1 ".repeat(count));
        assert_eq!(sheet(&wide(MAX_COLUMNS)).unwrap().columns.len(), MAX_COLUMNS);
        assert_eq!(sheet(&wide(MAX_COLUMNS + 1)), Err(NoTable::Wide));
    }

    #[test]
    fn a_long_head_is_cut_and_stays_a_column_of_its_own() {
        let long = "x".repeat(MAX_HEAD);
        let sheet = sheet(&format!("{{:{long} 1 :{long}a 2 :{long}b 3}}")).unwrap();
        let heads: Vec<_> = sheet.columns.iter().map(|one| (&*one.head, one.nth)).collect();
        let cut = format!("{long}…");
        assert_eq!(heads, [(&*long, 0), (&*cut, 0), (&*cut, 1)]);
    }

    proptest! {
        #[test]
        fn any_answer_gives_bounded_rows_of_known_columns(
            text in r#"([\]\[(){}#" ,]|:(columns|rows|cut|a)|[0-9]|"a"|true|nil| ){0,40}"#
        ) {
            if let Ok(sheet) = sheet(&text) {
                prop_assert!(sheet.rows.len() <= 3 && sheet.columns.len() <= MAX_COLUMNS);
                let known = |row: &Row| row.iter().all(|(at, _)| *at < sheet.columns.len());
                prop_assert!(sheet.rows.iter().all(known));
            }
        }
    }
}
