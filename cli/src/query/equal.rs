//! Rows that several replicas have, told once.

use std::collections::HashMap;

use prepl_core::{ReplicaIndex, Selection};

use super::table::{Cells, Table};
use crate::render::crowd;

/// Replicas that are named one by one.
const MAX_NAMED: usize = 2;

/// A row, and who has it.
#[derive(Debug)]
pub struct Equal<'a> {
    /// The row.
    pub cells: Cells<'a>,
    /// In the order of the selection; never empty.
    pub members: Vec<ReplicaIndex>,
}

/// The rows of a table, equal ones once; a replica that has a row twice has it twice here too.
///
/// In the order of their places, so that what differs at one place stands together.
pub fn fold(table: &Table) -> Vec<Equal<'_>> {
    let mut rows: Vec<Equal> = Vec::new();
    let mut places: HashMap<(Cells, usize), usize> = HashMap::new();
    // How often each replica has each row so far.
    let mut seen: HashMap<(usize, Cells), usize> = HashMap::new();
    let longest = table.parts.iter().map(|part| part.len()).max().unwrap_or(0);
    for number in 0..longest {
        for (part, cells) in
            table.parts.iter().enumerate().filter_map(|(at, part)| Some((at, part.row(number)?)))
        {
            let replica = table.parts[part].replica;
            let times = seen.entry((part, cells.clone())).or_default();
            *times += 1;
            let place = *places.entry((cells.clone(), *times)).or_insert_with(|| {
                rows.push(Equal { cells, members: Vec::new() });
                rows.len() - 1
            });
            rows[place].members.push(replica);
        }
    }
    rows.iter_mut().for_each(|row| row.members.sort_unstable());
    rows
}

/// Every row of every replica, one replica after the other.
pub fn each(table: &Table) -> Vec<Equal<'_>> {
    let rows = table
        .parts
        .iter()
        .flat_map(|part| part.rows().map(|cells| Equal { cells, members: vec![part.replica] }));
    rows.collect()
}

/// Whether all replicas of a table have the same rows, in whatever order.
pub fn is_same(table: &Table) -> bool {
    fold(table).iter().all(|row| row.members.len() == table.parts.len())
}

/// Who has a row: names where they are few, or where few have it not, else how many.
pub fn who(selection: &Selection, members: &[ReplicaIndex], table: &Table) -> String {
    let all = table.parts.len();
    let names = |members: &[ReplicaIndex]| {
        let names = members.iter().map(|index| crowd::name(selection, *index));
        names.collect::<Vec<_>>().join(" ")
    };
    let others = || {
        let parts = table.parts.iter().map(|part| part.replica);
        parts.filter(|replica| members.binary_search(replica).is_err()).collect::<Vec<_>>()
    };
    match (members.len(), all - members.len()) {
        (1, _) => names(members),
        (_, 0) => format!("all {all}"),
        (..=MAX_NAMED, _) => names(members),
        (_, ..=MAX_NAMED) => format!("all but {}", names(&others())),
        (some, _) => format!("{some} of {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::read::Reading;
    use crate::render::example;

    /// Each row with who has it; a replica for each answer.
    fn folded(texts: &[&str]) -> Vec<String> {
        let replicas = example::api_fleet(texts.len());
        let answers = texts.iter().map(|text| example::ok(text)).collect();
        let results = example::results(replicas, answers);
        let table = Table::of(&results.answers, &Reading { rows: 100, heads: Vec::new() });
        let row = |row: Equal| {
            let cells: Vec<_> = row.cells.iter().map(|(_, value)| value.to_string()).collect();
            let who = who(&results.selection, &row.members, &table);
            format!("{}: {}", who.replace("api-6f7c9-", "#"), cells.join(" "))
        };
        fold(&table).into_iter().map(row).collect()
    }

    #[test]
    fn equal_rows_are_one_and_what_differs_stands_beside_it() {
        let same = "[[1 5] [2 6]]";
        assert_eq!(folded(&[same, same, same]), ["all 3: 1 5", "all 3: 2 6"]);
        let rows = folded(&[same, same, "[[1 5] [2 7]]"]);
        assert_eq!(rows, ["all 3: 1 5", "#00 #01: 2 6", "#02: 2 7"]);
    }

    #[test]
    fn the_order_of_rows_and_of_keys_does_not_matter() {
        assert_eq!(folded(&["[{:a 1 :b 2} 3]", "[3 {:b 2 :a 1}]"]), ["all 2: 1 2", "all 2: 3"]);
    }

    #[test]
    fn a_row_that_one_replica_has_twice_is_told_twice() {
        assert_eq!(folded(&["[1 1]", "[1]"]), ["all 2: 1", "#00: 1"]);
        assert_eq!(folded(&["[1 1]", "[1 1]"]), ["all 2: 1", "all 2: 1"]);
    }

    #[test]
    fn nil_is_not_nothing() {
        assert_eq!(folded(&["[{:a 1 :b nil}]", "[{:a 1}]"]).len(), 2);
    }

    #[test]
    fn many_are_counted_and_few_are_named() {
        let of = |differing: usize| {
            let texts = (0..8).map(|at| if at < differing { "[2]" } else { "[1]" });
            folded(&texts.collect::<Vec<_>>())
        };
        assert_eq!(of(0), ["all 8: 1"]);
        assert_eq!(of(1), ["#00: 2", "all but #00: 1"]);
        assert_eq!(of(2), ["#00 #01: 2", "all but #00 #01: 1"]);
        assert_eq!(of(3), ["3 of 8: 2", "5 of 8: 1"]);
        assert_eq!(folded(&["[1]"]), ["#00: 1"]);
    }

    #[test]
    fn a_table_is_the_same_or_it_is_not() {
        let same = |texts: &[&str]| {
            let answers = texts.iter().map(|text| example::ok(text)).collect();
            let results = example::results(example::api_fleet(texts.len()), answers);
            let reading = Reading { rows: 100, heads: Vec::new() };
            is_same(&Table::of(&results.answers, &reading))
        };
        assert!(same(&["[1 2]", "[2 1]"]) && same(&["nil", "[]"]));
        assert!(!same(&["[1 2]", "[1]"]) && !same(&["[1]", "[1 1]"]));
    }
}
