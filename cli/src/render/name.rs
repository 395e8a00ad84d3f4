//! `-o name`: the replicas that answered ok, one a line.

use prepl_core::Class;

use super::page::{Ink, Page};
use super::{Results, crowd};

/// Renders the names.
pub fn render(results: &Results) -> String {
    let mut page = Page::new(false);
    for answer in results.answers.iter().filter(|answer| answer.class() == Class::Ok) {
        page.put(Ink::Plain, &crowd::name(&results.selection, answer.replica)).end();
    }
    page.finish()
}
