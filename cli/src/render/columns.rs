//! Aligned columns.

use super::page::{self, Ink, Page};

/// Widest column that others are aligned behind.
const MAX_COLUMN: usize = 60;

/// A table under construction.
#[derive(Clone, Debug)]
pub struct Columns {
    heads: Vec<String>,
    rows: Vec<Row>,
}

/// One row; cells that are missing at the end stay empty.
#[derive(Clone, Debug)]
pub struct Row {
    /// Ink of the row.
    pub ink: Ink,
    /// Text of its cells.
    pub cells: Vec<String>,
}

impl Columns {
    /// A table with these heads.
    pub fn new(heads: Vec<String>) -> Columns {
        Columns { heads, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The table as text, columns two spaces apart.
    pub fn render(&self, colour: bool) -> String {
        let mut page = Page::new(colour);
        write(&mut page, Ink::Strong, &self.heads, &self.widths());
        page.finish() + self.body(colour).as_str()
    }

    /// The rows alone, as wide as with their heads.
    pub fn body(&self, colour: bool) -> String {
        let mut page = Page::new(colour);
        let widths = self.widths();
        for row in &self.rows {
            write(&mut page, row.ink, &row.cells, &widths);
        }
        page.finish()
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.heads.len()).map(|column| self.width(column)).collect()
    }

    /// The last cell of a row that ends early does not widen its column.
    fn width(&self, column: usize) -> usize {
        let aligned =
            |row: &&Row| row.cells.len() == self.heads.len() || row.cells.len() > column + 1;
        let cells = self.rows.iter().filter(aligned).filter_map(|row| row.cells.get(column));
        let cells = cells.chain(self.heads.get(column));
        cells.map(|cell| page::width(cell)).max().unwrap_or(0).min(MAX_COLUMN)
    }
}

fn write(page: &mut Page, ink: Ink, cells: &[String], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        page.cell(ink, cell, *width).put(Ink::Plain, "  ");
    }
    page.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Columns::new(vec!["A".into(), "B".into()]);
        table.push(Row { ink: Ink::Plain, cells: vec!["漢字".into(), "1".into()] });
        table.push(Row { ink: Ink::Bad, cells: vec!["x".into(), "\x1b".into()] });
        assert_eq!(table.render(false), "A     B\n漢字  1\nx     \\x1b\n");
        assert_eq!(table.body(false), "漢字  1\nx     \\x1b\n");
    }

    #[test]
    fn a_long_last_cell_does_not_widen_the_table() {
        let mut table = Columns::new(vec!["A".into(), "B".into(), "C".into()]);
        table.push(Row { ink: Ink::Plain, cells: vec!["1".into(), "2".into(), "3".into()] });
        table.push(Row { ink: Ink::Bad, cells: vec!["1".into(), "x".repeat(20)] });
        assert!(table.render(false).starts_with("A  B  C\n1  2  3\n"));
    }
}
