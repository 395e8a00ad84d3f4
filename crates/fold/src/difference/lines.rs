//! Two texts line by line, where no tree can be read.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Changes, PathStep};

/// Most lines of one side that are aligned; longer texts compare place by place.
const MAX_LINES: usize = 2000;

/// Adds what differs between two texts.
pub(super) fn compare(from: &str, to: &str, changes: &mut Changes) {
    if from == to {
        return;
    }
    let (from, to): (Vec<&str>, Vec<&str>) = (split(from), split(to));
    if from.len() == 1 && to.len() == 1 {
        return changes.add(Some(from[0]), Some(to[0]));
    }
    if from.len().max(to.len()) > MAX_LINES {
        return replaced(&from, &to, 0, changes);
    }
    for operation in capture_diff_slices(Algorithm::Myers, &from, &to) {
        if !matches!(operation, DiffOp::Equal { .. }) {
            let (old, new) = (operation.old_range(), operation.new_range());
            let start = old.start;
            replaced(&from[old], &to[new], start, changes);
        }
    }
}

/// Lines with their ends: a last line without one differs from the same line with one.
fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn replaced(from: &[&str], to: &[&str], start: usize, changes: &mut Changes) {
    for place in 0..from.len().max(to.len()) {
        let (from, to) = (from.get(place).copied(), to.get(place).copied());
        if from != to {
            let (from, to) = without_ends(from, to);
            let step = PathStep::Line(start + place + 1);
            changes.under(vec![step], |changes| changes.add(from, to));
        }
    }
}

/// Both lines without their ends, unless the end is all that differs.
fn without_ends<'a>(
    from: Option<&'a str>,
    to: Option<&'a str>,
) -> (Option<&'a str>, Option<&'a str>) {
    let bare = |line: &'a str| line.strip_suffix('\n').unwrap_or(line);
    let (bare_from, bare_to) = (from.map(bare), to.map(bare));
    if bare_from == bare_to { (from, to) } else { (bare_from, bare_to) }
}
