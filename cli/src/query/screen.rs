//! `-o table`, and what every form tells of those that are not in the table.

use std::collections::BTreeMap;

use prepl_core::{ReplicaIndex, Selection};
use prepl_fold::Value;

use super::cell;
use super::equal::{self, Equal};
use super::sheet::NoTable;
use super::table::{REPLICA, Table, aligned};
use crate::render::columns::{Columns, Row};
use crate::render::page::{Ink, Page};
use crate::render::{Results, crowd, others};

/// Groups of failures shown in full.
const MAX_GROUPS: usize = 10;

/// Which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Equal ones once, with who has them.
    Folded,
    /// Those of each replica.
    Each,
}

/// The table; empty where no replica gave one.
pub fn table(table: &Table, selection: &Selection, rows: Rows, colour: bool) -> String {
    if table.parts.is_empty() {
        return String::new();
    }
    let heads = std::iter::once(REPLICA.to_uppercase()).chain(table.columns.iter().cloned());
    let mut columns = Columns::new(heads.collect());
    let equal = match rows {
        Rows::Folded => equal::fold(table),
        Rows::Each => equal::each(table),
    };
    for Equal { cells, members } in &equal {
        let who = equal::who(selection, members, table);
        let differs = rows == Rows::Folded && members.len() < table.parts.len();
        let cells = aligned(cells, table.columns.len()).into_iter();
        let cells = cells.map(|cell: Option<&Value>| cell.map_or_else(String::new, cell::shown));
        columns.push(Row {
            ink: if differs { Ink::Warn } else { Ink::Plain },
            cells: std::iter::once(who).chain(cells).collect(),
        });
    }
    let empty: Vec<_> =
        table.parts.iter().filter(|part| part.len() == 0).map(|part| part.replica).collect();
    if !empty.is_empty() {
        let who = equal::who(selection, &empty, table);
        let differs = empty.len() < table.parts.len();
        let ink = if differs { Ink::Warn } else { Ink::Faint };
        columns.push(Row { ink, cells: vec![who, "no rows".to_owned()] });
    }
    columns.render(colour)
}

/// The replicas that are not in the table, and why.
pub fn missing(table: &Table, results: &Results, colour: bool) -> String {
    let mut page = Page::new(colour);
    let mut reasons: BTreeMap<&NoTable, Vec<ReplicaIndex>> = BTreeMap::new();
    for (replica, why) in &table.without {
        reasons.entry(why).or_default().push(*replica);
    }
    for (why, members) in reasons {
        page.end().put(Ink::Bad, "✗ no table");
        page.put(Ink::Plain, &format!("  {}", crowd::count(members.len()))).end();
        page.put(Ink::Plain, "   ");
        page.put(Ink::Plain, &crowd::names(&results.selection, &members)).end();
        page.block((Ink::Plain, "   "), Ink::Plain, &why.to_string());
    }
    others::render(&mut page, results, MAX_GROUPS);
    page.finish()
}

/// One line where replicas have more rows than were asked for.
pub fn cut(table: &Table, selection: &Selection, limit: usize) -> String {
    let cut = table.cut();
    if cut.is_empty() {
        return String::new();
    }
    let who = equal::who(selection, &cut, table);
    let mut page = Page::new(false);
    page.end().put(Ink::Plain, &format!("there are more rows on {who}: "));
    let limit = crowd::grouped(limit);
    page.put(Ink::Plain, &format!("--limit-rows {limit} or --limit-bytes cut them")).end();
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::read::Reading;
    use crate::render::example;
    use prepl_core::{Answer, Outcome, Reason, Refusal};

    fn shown(answers: Vec<Answer>, rows: Rows) -> String {
        let results = example::results(example::api_fleet(answers.len()), answers);
        let table = Table::of(&results.answers, &Reading { rows: 2, heads: Vec::new() });
        let selection = &results.selection;
        let parts = [
            super::table(&table, selection, rows, false),
            missing(&table, &results, false),
            cut(&table, selection, 2),
        ];
        parts.concat()
    }

    fn orders(total: u32) -> Answer {
        example::ok(&format!("[{{:id 1 :state \"open\"}} {{:id 2 :total {total}}}]"))
    }

    #[test]
    fn equal_rows_are_one_and_those_that_differ_name_their_replicas() {
        let answers = || vec![orders(5), orders(5), orders(7)];
        insta::assert_snapshot!(shown(answers(), Rows::Folded), @r"
        REPLICA                    id  state  total
        all 3                      1   open
        api-6f7c9-00 api-6f7c9-01  2          5
        api-6f7c9-02               2          7
        ");
        insta::assert_snapshot!(shown(answers(), Rows::Each), @r"
        REPLICA       id  state  total
        api-6f7c9-00  1   open
        api-6f7c9-00  2          5
        api-6f7c9-01  1   open
        api-6f7c9-01  2          5
        api-6f7c9-02  1   open
        api-6f7c9-02  2          7
        ");
    }

    #[test]
    fn who_is_not_in_the_table_stands_below() {
        let mut cut = example::ok("[[1");
        cut.values[0].truncated = true;
        let refused = Outcome::Refused(Refusal::Limit(Reason::new("nothing keeps it")));
        let answers = vec![
            example::ok("[1 2 3]"),
            example::ok("[]"),
            cut,
            example::raised("org.postgresql.util.PSQLException", "permission denied"),
            example::ended(refused),
        ];
        insta::assert_snapshot!(shown(answers, Rows::Folded), @r"
        REPLICA       value
        api-6f7c9-00  1
        api-6f7c9-00  2
        api-6f7c9-01  no rows

        ✗ no table  1 replica
           api-6f7c9-02
           its answer is larger than the limit of bytes and was cut; ask for fewer rows or columns, or raise --limit-bytes

        ✗ raised  1 replica   v2.41.0   zone a
           api-6f7c9-03
           org.postgresql.util.PSQLException: permission denied
             at shop.locks/release-stale-locks! (locks.clj:88)
        ⊘ refused  1 replica   v2.41.0   zone b
           api-6f7c9-04
           nothing keeps it

        there are more rows on api-6f7c9-00: --limit-rows 2 or --limit-bytes cut them
        ");
    }

    #[test]
    fn a_table_without_rows_has_its_heads() {
        let none = || example::ok("{:columns [:id :total] :rows []}");
        insta::assert_snapshot!(shown(vec![none(), none()], Rows::Folded), @r"
        REPLICA  id  total
        all 2    no rows
        ");
        assert_eq!(shown(vec![example::raised("a.B", "c")], Rows::Folded).lines().count(), 4);
    }

    #[test]
    fn nothing_that_a_replica_says_drives_the_terminal() {
        let hostile = example::ok("[{:a\u{1b}c \"\u{202e}x\u{1b}]0;y\\u0007\"}]");
        let shown = shown(vec![hostile], Rows::Folded);
        let dangerous = |c: char| crate::render::safe::is_dangerous(c) && c != '\n';
        assert!(!shown.contains(dangerous), "{shown:?}");
        assert!(shown.contains("\\x1b"), "{shown:?}");
    }
}
