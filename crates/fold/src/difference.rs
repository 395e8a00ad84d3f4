//! What differs between a group and the majority, path by path.

mod lines;
mod trees;

use prepl_core::{Stream, Value as Printed};

use crate::cut::{cut, cut_pair};
use crate::intern::tree;
use crate::{Comparison, Group};

/// Most changes that are kept; the rest is counted.
pub const MAX_CHANGES: usize = 20;

/// All that differs, the first changes in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// At most [`MAX_CHANGES`].
    pub changes: Vec<Change>,
    /// How many more there are.
    pub more: usize,
}

/// One place that differs; at least one side is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where, from the outside in.
    pub path: Vec<PathStep>,
    /// What the majority has there, cut when long.
    pub from: Option<String>,
    /// What the group has there, cut when long.
    pub to: Option<String>,
}

/// One step towards a place in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// The value of a form, from 0; told only when a group has several.
    Form(u32),
    /// What was printed on a stream.
    Output(Stream),
    /// The value behind a key, the key in canonical text.
    Key(String),
    /// An item of a list or vector, from 0.
    Index(usize),
    /// A member of a set.
    Member,
    /// A line of a text, from 1, numbered as in the majority's text.
    Line(usize),
}

/// What differs in a group from the majority.
pub fn difference(majority: &Group, group: &Group, comparison: Comparison) -> Difference {
    let mut changes = Changes::default();
    let forms = majority.values.len().max(group.values.len());
    for place in 0..forms {
        let (from, to) = (majority.values.get(place), group.values.get(place));
        let form = from.or(to).map_or(0, |value| value.form);
        let path = if forms > 1 { vec![PathStep::Form(form)] } else { Vec::new() };
        changes.under(path, |changes| value_changes(from, to, comparison, changes));
    }
    for stream in [Stream::Out, Stream::Err] {
        let texts = (printed_text(majority, stream), printed_text(group, stream));
        changes.under(vec![PathStep::Output(stream)], |changes| {
            lines::compare(&texts.0, &texts.1, changes);
        });
    }
    changes.found
}

fn value_changes(
    from: Option<&Printed>,
    to: Option<&Printed>,
    comparison: Comparison,
    changes: &mut Changes,
) {
    let (Some(from), Some(to)) = (from, to) else {
        return changes.add(from.map(|value| &*value.text), to.map(|value| &*value.text));
    };
    if from.text == to.text && from.truncated == to.truncated {
        return;
    }
    let before = changes.count();
    if let (Some(from), Some(to)) = (tree(from, comparison), tree(to, comparison)) {
        trees::compare(&from, &to, changes);
    } else {
        lines::compare(&from.text, &to.text, changes);
    }
    if comparison == Comparison::Exact && changes.count() == before {
        lines::compare(&from.text, &to.text, changes);
    }
}

fn printed_text(group: &Group, stream: Stream) -> String {
    let pieces = group.output.iter().filter(|(on, _)| *on == stream);
    let bytes: Vec<u8> = pieces.flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Changes as they are found, with the path to where the search is.
#[derive(Default)]
struct Changes {
    path: Vec<PathStep>,
    found: Difference,
}

impl Changes {
    fn under(&mut self, steps: Vec<PathStep>, search: impl FnOnce(&mut Changes)) {
        let length = self.path.len();
        self.path.extend(steps);
        search(self);
        self.path.truncate(length);
    }

    fn count(&self) -> usize {
        self.found.changes.len() + self.found.more
    }

    fn is_full(&self) -> bool {
        self.found.changes.len() >= MAX_CHANGES
    }

    fn count_one_more(&mut self) {
        self.found.more += 1;
    }

    fn add(&mut self, from: Option<&str>, to: Option<&str>) {
        if self.is_full() {
            return self.count_one_more();
        }
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => {
                let (from, to) = cut_pair(from, to);
                (Some(from), Some(to))
            }
            (from, to) => (from.map(cut), to.map(cut)),
        };
        self.found.changes.push(Change { path: self.path.clone(), from, to });
    }
}
