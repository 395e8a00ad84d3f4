//! Which attribute of the replicas separates the groups. It says only what is true.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use prepl_core::{ReplicaIndex, Selection};

/// Most explanations that are given.
pub const MAX_EXPLANATIONS: usize = 3;

/// Most attributes that are looked at, in the order in which they first appear.
const MAX_ATTRIBUTES: usize = 256;

/// The attribute that may explain a few replicas though each has its own value.
const ALWAYS_TELLING: &str = "version";

/// A true statement about the groups and one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `version`, `zone`, `node`, …, or `label KEY`.
    pub attribute: String,
    /// What is true of it.
    pub kind: Kind,
}

/// How an attribute goes with the groups; groups by their place in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value within each group, and another one in each.
    Exact {
        /// The value of each group; `None` where its replicas lack the attribute.
        values: Vec<Option<Arc<str>>>,
    },
    /// Every replica of one group has this value.
    Only {
        /// Which group.
        group: usize,
        /// The value.
        value: Arc<str>,
        /// How many replicas outside of the group have it too.
        elsewhere: usize,
    },
}

/// Explains what splits groups of a selection; the strongest statements first.
///
/// Nothing is said for fewer than two groups, of an attribute that all share, or of one that is
/// different for every single replica.
pub fn explain(selection: &Selection, groups: &[&[ReplicaIndex]]) -> Vec<Explanation> {
    if groups.len() < 2 || groups.iter().any(|members| members.is_empty()) {
        return Vec::new();
    }
    let columns = columns(selection, groups);
    let found = columns.iter().flat_map(|(attribute, column)| {
        let kinds = statements(attribute, column, groups);
        kinds.into_iter().map(|kind| Explanation { attribute: attribute.clone(), kind })
    });
    let mut found: Vec<Explanation> = found.collect();
    // Stable: within one strength the attributes keep their order.
    found.sort_by_key(|explanation| match explanation.kind {
        Kind::Exact { .. } => (0, 0),
        Kind::Only { elsewhere, .. } => (1, elsewhere),
    });
    found.truncate(MAX_EXPLANATIONS);
    found
}

/// The values of one attribute, by replica.
type Column = HashMap<ReplicaIndex, Arc<str>>;

fn columns(selection: &Selection, groups: &[&[ReplicaIndex]]) -> Vec<(String, Column)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut columns: Vec<(String, Column)> = Vec::new();
    for index in groups.iter().copied().flatten() {
        let attributes = selection.get(*index).map(|replica| replica.attributes());
        for (name, value) in attributes.unwrap_or_default() {
            let place = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), Column::new()));
                columns.len() - 1
            });
            columns[place].1.insert(*index, value);
        }
    }
    columns.truncate(MAX_ATTRIBUTES);
    columns
}

fn statements(attribute: &str, column: &Column, groups: &[&[ReplicaIndex]]) -> Vec<Kind> {
    let counts = counts(column, groups);
    let is_shared_by_all = counts.len() == 1;
    let is_unique = counts.values().all(|count| *count == 1) && attribute != ALWAYS_TELLING;
    if is_shared_by_all || is_unique {
        return Vec::new();
    }
    let uniform: Vec<Option<Option<Arc<str>>>> =
        groups.iter().map(|members| uniform(column, members)).collect();
    exact(&uniform).map_or_else(|| only(&uniform, &counts, groups), |kind| vec![kind])
}

/// How many replicas of the groups have each value; `None` where the attribute is missing.
fn counts(column: &Column, groups: &[&[ReplicaIndex]]) -> HashMap<Option<Arc<str>>, usize> {
    let mut counts = HashMap::new();
    for index in groups.iter().copied().flatten() {
        *counts.entry(column.get(index).cloned()).or_default() += 1;
    }
    counts
}

/// The one value (or the lack of it) of all members, if it is one.
fn uniform(column: &Column, members: &[ReplicaIndex]) -> Option<Option<Arc<str>>> {
    let mut values = members.iter().map(|index| column.get(index));
    let first = values.next()?;
    values.all(|value| value == first).then(|| first.cloned())
}

fn exact(uniform: &[Option<Option<Arc<str>>>]) -> Option<Kind> {
    let values: Vec<Option<Arc<str>>> = uniform.iter().cloned().collect::<Option<_>>()?;
    let distinct: HashSet<_> = values.iter().collect();
    (distinct.len() == values.len()).then_some(Kind::Exact { values })
}

fn only(
    uniform: &[Option<Option<Arc<str>>>],
    counts: &HashMap<Option<Arc<str>>, usize>,
    groups: &[&[ReplicaIndex]],
) -> Vec<Kind> {
    let statement = |(group, value): (usize, &Option<Option<Arc<str>>>)| {
        let value = value.clone().flatten()?;
        let members = groups[group].len();
        let all = counts.get(&Some(Arc::clone(&value))).copied().unwrap_or_default();
        let elsewhere = all.saturating_sub(members);
        // A single replica has one value of everything; that says something only if no other has it.
        let tells = members > 1 || elsewhere == 0;
        tells.then_some(Kind::Only { group, value, elsewhere })
    };
    uniform.iter().enumerate().filter_map(statement).collect()
}
