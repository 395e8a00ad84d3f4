//! The answers of all replicas as one table.

use std::collections::{HashMap, HashSet};
use std::iter;
use std::sync::Arc;

use prepl_core::{Answer, Class, ReplicaIndex};
use prepl_fold::Value;

use super::read::{self, Reading};
use super::sheet::{Column, NoTable, Sheet};

/// Most cells, empty ones counted: 10,000 rows of 100 columns.
const MAX_CELLS: usize = 1_000_000;
/// Most columns.
const MAX_COLUMNS: usize = 1_000;
/// Most values in memory, nested ones counted; some 100 MiB. Equal answers count once.
const MAX_VALUES: usize = 2_000_000;
/// What every form calls the first column.
pub const REPLICA: &str = "replica";

/// One table; the replica is its first column, and no other has that name.
#[derive(Debug, Default)]
pub struct Table {
    /// Names of the other columns, each once, in the order of their first appearance.
    pub columns: Vec<String>,
    /// The replicas that gave rows, or an empty table.
    pub parts: Vec<Part>,
    /// The replicas whose answers are no table.
    pub without: Vec<(ReplicaIndex, NoTable)>,
}

/// The rows of one replica.
#[derive(Debug)]
pub struct Part {
    /// Whose.
    pub replica: ReplicaIndex,
    sheet: Arc<Sheet>,
    /// Where each column of the sheet stands in the table.
    places: Vec<usize>,
}

/// What is known of one row, by columns of the table.
pub type Cells<'a> = Vec<(usize, &'a Value)>;

impl Table {
    /// Reads the answers that are ok.
    pub fn of(answers: &[Answer], reading: &Reading) -> Table {
        let mut making = Making::default();
        for answer in answers.iter().filter(|answer| answer.class() == Class::Ok) {
            let read = making.read(answer, reading).and_then(|sheet| making.add(answer, sheet));
            if let Err(why) = read {
                making.table.without.push((answer.replica, why));
            }
        }
        making.table.columns = unique(&making.columns);
        making.table
    }

    /// The replicas that have more rows than these.
    pub fn cut(&self) -> Vec<ReplicaIndex> {
        self.parts.iter().filter(|part| part.is_cut()).map(|part| part.replica).collect()
    }
}

impl Part {
    /// A row by its number.
    pub fn row(&self, number: usize) -> Option<Cells<'_>> {
        let row = self.sheet.rows.get(number)?;
        let mut cells: Vec<_> = row.iter().map(|(at, value)| (self.places[*at], value)).collect();
        cells.sort_unstable_by_key(|(column, _)| *column);
        Some(cells)
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        (0..self.sheet.rows.len()).filter_map(|number| self.row(number))
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.sheet.rows.len()
    }

    /// Whether the replica has more rows.
    pub fn is_cut(&self) -> bool {
        self.sheet.cut
    }
}

/// The cells of a row at their columns.
pub fn aligned<'a>(cells: &Cells<'a>, columns: usize) -> Vec<Option<&'a Value>> {
    let mut row = vec![None; columns];
    for (column, value) in cells {
        row[*column] = Some(*value);
    }
    row
}

/// A table under construction.
#[derive(Default)]
struct Making<'a> {
    /// What was read of each text.
    read: HashMap<&'a str, Result<Arc<Sheet>, NoTable>>,
    values: usize,
    rows: usize,
    columns: Vec<Column>,
    places: HashMap<Column, usize>,
    table: Table,
}

impl<'a> Making<'a> {
    /// Equal texts are read once.
    fn read(&mut self, answer: &'a Answer, reading: &Reading) -> Result<Arc<Sheet>, NoTable> {
        let text = answer.values.last().filter(|value| !value.truncated).map(|value| &*value.text);
        if let Some(read) = text.and_then(|text| self.read.get(text)) {
            return read.clone();
        }
        let sheet = read::read(answer, reading).and_then(|sheet| match self.values + sheet.size {
            values if values > MAX_VALUES => Err(NoTable::Large),
            values => {
                self.values = values;
                Ok(Arc::new(sheet))
            }
        });
        text.map(|text| self.read.insert(text, sheet.clone()));
        sheet
    }

    fn add(&mut self, answer: &Answer, sheet: Arc<Sheet>) -> Result<(), NoTable> {
        let new = sheet.columns.iter().filter(|column| !self.places.contains_key(column)).count();
        let (rows, columns) = (self.rows + sheet.rows.len(), self.columns.len() + new);
        if columns > MAX_COLUMNS || rows * columns > MAX_CELLS {
            return Err(NoTable::Large);
        }
        self.rows = rows;
        let places = sheet.columns.iter().map(|column| self.place(column)).collect();
        self.table.parts.push(Part { replica: answer.replica, sheet, places });
        Ok(())
    }

    fn place(&mut self, column: &Column) -> usize {
        if let Some(place) = self.places.get(column) {
            return *place;
        }
        let place = self.columns.len();
        self.places.insert(column.clone(), place);
        self.columns.push(column.clone());
        place
    }
}

/// The names, with a number where one was there already.
fn unique(columns: &[Column]) -> Vec<String> {
    let mut taken = HashSet::from([REPLICA.to_owned()]);
    let own = columns.iter().map(|Column { head, .. }| {
        let numbered = (2..).map(|number: usize| format!("{head}_{number}"));
        let mut names = iter::once(head.clone()).chain(numbered);
        names.find(|name| taken.insert(name.clone())).unwrap_or_default()
    });
    own.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn table(texts: &[&str]) -> Table {
        let mut answers: Vec<_> = texts.iter().map(|text| example::ok(text)).collect();
        for (place, answer) in answers.iter_mut().enumerate() {
            answer.replica = ReplicaIndex(place as u32);
        }
        Table::of(&answers, &Reading { rows: 10_000, heads: Vec::new() })
    }

    fn rows(table: &Table) -> Vec<String> {
        let cell = |value: Option<&Value>| value.map_or("·".to_owned(), Value::to_string);
        let row = |cells: Cells| {
            let cells = aligned(&cells, table.columns.len()).into_iter().map(cell);
            cells.collect::<Vec<_>>().join(" ")
        };
        let part = |part: &Part| part.rows().map(row).collect::<Vec<_>>();
        table.parts.iter().flat_map(part).collect()
    }

    #[test]
    fn columns_are_those_of_all_in_the_order_of_their_first_appearance() {
        let table = table(&["[{:total 5 :id 1}]", "[{:at 9 :id 2}]", "nil"]);
        assert_eq!(table.columns, ["total", "id", "at"]);
        assert_eq!(rows(&table), ["5 1 ·", "· 2 9"]);
        assert_eq!(table.parts.len(), 3);
    }

    #[test]
    fn names_are_unique_and_none_is_that_of_the_replica() {
        let table = table(&["{:columns [:id :id :replica :id_2] :rows [[1 2 3 4]]}"]);
        assert_eq!(table.columns, ["id", "id_2", "replica_2", "id_2_2"]);
        assert_eq!(rows(&table), ["1 2 3 4"]);
    }

    #[test]
    fn who_gave_no_table_and_who_has_more_is_told() {
        let table = table(&["[1]", "#<void", "{:columns [:id] :rows [[1]] :cut true}"]);
        assert_eq!(table.without, [(ReplicaIndex(1), NoTable::Unreadable)]);
        assert_eq!(table.cut(), [ReplicaIndex(2)]);
    }

    #[test]
    fn the_cells_of_all_replicas_are_bounded_and_equal_answers_are_kept_once() {
        let long = format!("[{}]", "[1 2 3] ".repeat(10_000));
        let table = table(&[&*long; 40]);
        let (kept, without) = (table.parts.len(), table.without.len());
        assert_eq!((kept, without), (MAX_CELLS / 30_000, 40 - MAX_CELLS / 30_000));
        assert!(Arc::strong_count(&table.parts[0].sheet) >= kept);
        let wide = |start: usize| {
            let keys: String = (0..200).map(|key| format!(":k{} 1 ", start * 200 + key)).collect();
            format!("[{{{keys}}}]")
        };
        let wide: Vec<_> = (0..6).map(wide).collect();
        let table = self::table(&wide.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((table.columns.len(), table.without.len()), (1_000, 1));
    }
}
