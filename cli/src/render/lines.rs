//! `-o lines`: one line a replica, `name<TAB>value`.

use super::page::{Ink, Page};
use super::{Results, crowd, sentence};

/// Renders a line for each replica, also for those without a value.
pub fn render(results: &Results, colour: bool) -> String {
    let mut page = Page::new(colour);
    for answer in &results.answers {
        let name = crowd::name(&results.selection, answer.replica);
        let (ink, text) = sentence::of(answer);
        page.put(Ink::Strong, &name).tab().put(ink, &text).end();
    }
    page.finish()
}
