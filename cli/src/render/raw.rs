//! `-o raw`: the values alone, one after the other; byte-exact into a pipe.

use super::Results;
use super::safe::{self, Layout};

/// Renders the values; on a terminal they are made safe.
pub fn render(results: &Results, on_terminal: bool) -> String {
    let values = results.answers.iter().flat_map(|answer| &answer.values);
    let shown = values.map(|value| match on_terminal {
        true => safe::text(&value.text, Layout::Block) + "\n",
        false => format!("{}\n", value.text),
    });
    shown.collect()
}
