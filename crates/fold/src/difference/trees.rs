//! Two trees side by side: maps by key, lists by place, sets by member.

use std::cmp::Ordering;

use super::{Changes, PathStep};
use crate::Value;

/// Adds what differs between two values.
pub(super) fn compare(from: &Value, to: &Value, changes: &mut Changes) {
    match (from, to) {
        _ if from == to => {}
        (Value::Map(from), Value::Map(to)) => maps(from, to, changes),
        (Value::Set(from), Value::Set(to)) => sets(from, to, changes),
        (Value::List(from), Value::List(to)) | (Value::Vector(from), Value::Vector(to)) => {
            items(from, to, changes);
        }
        (Value::Tagged(left, from), Value::Tagged(right, to)) if left == right => {
            compare(from, to, changes);
        }
        _ => add(Some(from), Some(to), changes),
    }
}

fn add(from: Option<&Value>, to: Option<&Value>, changes: &mut Changes) {
    // Texts of changes that are only counted are not made.
    if changes.is_full() {
        return changes.count_one_more();
    }
    let (from, to) = (from.map(Value::to_string), to.map(Value::to_string));
    changes.add(from.as_deref(), to.as_deref());
}

fn maps(from: &[(Value, Value)], to: &[(Value, Value)], changes: &mut Changes) {
    merge(
        from,
        to,
        |pair| &pair.0,
        |from, to| {
            let Some((key, _)) = from.or(to).filter(|_| from != to) else { return };
            let step = PathStep::Key(crate::cut::cut(&key.to_string()));
            changes.under(vec![step], |changes| match (from, to) {
                (Some((_, from)), Some((_, to))) => compare(from, to, changes),
                (from, to) => add(from.map(|pair| &pair.1), to.map(|pair| &pair.1), changes),
            });
        },
    );
}

fn sets(from: &[Value], to: &[Value], changes: &mut Changes) {
    changes.under(vec![PathStep::Member], |changes| {
        merge(
            from,
            to,
            |member| member,
            |from, to| match (from, to) {
                (Some(_), Some(_)) => {}
                (from, to) => add(from, to, changes),
            },
        );
    });
}

fn items(from: &[Value], to: &[Value], changes: &mut Changes) {
    for place in 0..from.len().max(to.len()) {
        changes.under(vec![PathStep::Index(place)], |changes| {
            match (from.get(place), to.get(place)) {
                (Some(from), Some(to)) => compare(from, to, changes),
                (from, to) => add(from, to, changes),
            }
        });
    }
}

/// Walks two sorted rows at once; calls with both sides where the keys are equal.
fn merge<'a, T>(
    mut from: &'a [T],
    mut to: &'a [T],
    key: impl Fn(&T) -> &Value,
    mut visit: impl FnMut(Option<&'a T>, Option<&'a T>),
) {
    loop {
        let order = match (from.first(), to.first()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(from), Some(to)) => key(from).cmp(key(to)),
        };
        let left = from.split_first().filter(|_| order.is_le());
        let right = to.split_first().filter(|_| order.is_ge());
        visit(left.map(|(first, _)| first), right.map(|(first, _)| first));
        from = left.map_or(from, |(_, rest)| rest);
        to = right.map_or(to, |(_, rest)| rest);
    }
}
