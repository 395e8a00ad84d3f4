//! `-o table`: a row a replica; flat maps of the same keys get a column a key.

use prepl_core::Class;

use super::columns::{Columns, Row};
use super::page::Ink;
use super::parsed::flat_map;
use super::{Results, crowd, sentence};

/// Renders the table.
pub fn render(results: &Results, colour: bool) -> String {
    let (heads, cells) = keyed(results).unwrap_or_else(|| plain(results));
    let heads = [vec!["REPLICA".to_owned(), "CLASS".to_owned()], heads].concat();
    let mut table = Columns::new(heads);
    for (answer, cells) in results.answers.iter().zip(cells) {
        let name = crowd::name(&results.selection, answer.replica);
        let ink = if answer.class() == Class::Ok { Ink::Plain } else { Ink::Bad };
        let cells = [vec![name, answer.class().to_string()], cells].concat();
        table.push(Row { ink, cells });
    }
    table.render(colour)
}

type Cells = (Vec<String>, Vec<Vec<String>>);

fn plain(results: &Results) -> Cells {
    let rows = results.answers.iter().map(|answer| vec![sentence::without_class(answer)]);
    (vec!["VALUE".to_owned()], rows.collect())
}

/// Columns by key, if every value is a flat map of the same keys.
fn keyed(results: &Results) -> Option<Cells> {
    let mut heads: Option<Vec<String>> = None;
    let mut rows = Vec::new();
    for answer in &results.answers {
        if answer.class() != Class::Ok {
            rows.push(vec![sentence::without_class(answer)]);
            continue;
        }
        let [value] = &answer.values[..] else { return None };
        let (keys, cells): (Vec<_>, Vec<_>) = flat_map(&value.text)?.into_iter().unzip();
        if heads.get_or_insert_with(|| keys.clone()) != &keys {
            return None;
        }
        rows.push(cells);
    }
    Some((heads?, rows))
}
