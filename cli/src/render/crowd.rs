//! A set of replicas in few words: how many, which versions and zones, some names.

use std::collections::BTreeMap;

use prepl_core::{Replica, ReplicaIndex, Selection};

/// Names shown of a set; the rest is counted.
const MAX_NAMES: usize = 5;

/// Distinct values listed one by one; more are counted.
const MAX_LISTED: usize = 6;

/// `12 replicas`, `1 replica`.
pub fn count(replicas: usize) -> String {
    counted(replicas, "replica")
}

/// A number and its noun, in the plural where it belongs.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number)) }
}

/// Versions of some replicas: `v2.41.0`, or each with its count; empty when not known.
pub fn versions<'a>(replicas: impl Iterator<Item = &'a Replica>) -> String {
    let counts = tally(replicas.map(|replica| &*replica.version));
    match counts.len() {
        0 => String::new(),
        1 => counts.into_keys().map(version).collect(),
        2..=3 => joined(counts.iter().map(|(name, n)| format!("{} ×{n}", version(name)))),
        many => format!("{many} versions"),
    }
}

/// Zones of some replicas: `zones a4 b4 c4`, `zone c`; empty when not known.
pub fn zones<'a>(replicas: impl Iterator<Item = &'a Replica>) -> String {
    let counts = tally(replicas.map(|replica| &*replica.zone));
    let short = counts.keys().all(|zone| zone.chars().all(char::is_alphabetic));
    let separator = if short { "" } else { " ×" };
    let listed = joined(counts.iter().map(|(zone, n)| format!("{zone}{separator}{n}")));
    match counts.len() {
        0 => String::new(),
        1 => format!("zone {}", counts.keys().next().unwrap_or(&"")),
        2..=MAX_LISTED => format!("zones {listed}"),
        many => format!("{many} zones"),
    }
}

/// Workloads of some replicas: their names, or how many.
pub fn workloads<'a>(replicas: impl Iterator<Item = &'a Replica>) -> String {
    let counts = tally(replicas.map(|replica| &*replica.workload.name));
    match counts.len() {
        0..=3 => counts.into_keys().collect::<Vec<_>>().join(" "),
        many => format!("{many} workloads"),
    }
}

/// The name of a replica: with its namespace when the selection has several.
pub fn name(selection: &Selection, index: ReplicaIndex) -> String {
    let Some(replica) = selection.get(index) else { return format!("replica {}", index.0) };
    if has_namespaces(selection) { replica.id.to_string() } else { replica.id.name.to_string() }
}

/// Whether the replicas of a selection live in several namespaces; it is sorted by them.
pub fn has_namespaces(selection: &Selection) -> bool {
    let replicas = selection.replicas();
    let ends = replicas.first().zip(replicas.last());
    ends.is_some_and(|(first, last)| first.id.namespace != last.id.namespace)
}

/// The first names of a set, then how many more.
pub fn names(selection: &Selection, members: &[ReplicaIndex]) -> String {
    let shown = members.iter().take(MAX_NAMES).map(|index| name(selection, *index));
    let shown = shown.collect::<Vec<_>>().join("  ");
    match members.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        rest => format!("{shown}  and {rest} more"),
    }
}

/// The replicas at some places of a selection.
pub fn replicas<'a>(
    selection: &'a Selection,
    members: &'a [ReplicaIndex],
) -> impl Iterator<Item = &'a Replica> + Clone {
    members.iter().filter_map(|index| selection.get(*index))
}

/// A number with its thousands apart: `31,442`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn version(name: &str) -> String {
    let number = name.starts_with(|c: char| c.is_ascii_digit());
    if number { format!("v{name}") } else { name.to_owned() }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    let wide = parts.iter().any(|part| part.contains(' ') || part.len() > 6);
    parts.join(if wide { "  " } else { " " })
}

fn tally<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for value in values.filter(|value| !value.is_empty()) {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn a_set_is_told_in_few_words() {
        let fleet = example::api_fleet(12);
        assert_eq!(versions(fleet.iter()), "v2.41.0");
        assert_eq!(zones(fleet.iter()), "zones a4 b4 c4");
        assert_eq!(workloads(fleet.iter()), "api");
        assert_eq!(zones(fleet[..1].iter()), "zone a");
        assert_eq!(count(1), "1 replica");
        assert_eq!(count(31_442), "31,442 replicas");
    }

    #[test]
    fn long_zone_names_keep_their_digits_apart_from_the_count() {
        let mut fleet = example::api_fleet(2);
        fleet[0].zone = "eu-west-1a".into();
        fleet[1].zone = "eu-west-1b".into();
        assert_eq!(zones(fleet.iter()), "zones eu-west-1a ×1  eu-west-1b ×1");
    }

    #[test]
    fn names_beyond_five_are_counted() {
        let selection = Selection::of(example::api_fleet(12));
        let all: Vec<_> = selection.indexed().map(|(index, _)| index).collect();
        let names = names(&selection, &all);
        assert!(names.starts_with("api-6f7c9-00  api-6f7c9-01  "), "{names}");
        assert!(names.ends_with("  and 7 more"), "{names}");
    }

    #[test]
    fn a_name_has_its_namespace_when_there_are_several() {
        let mut fleet = example::api_fleet(2);
        fleet[1].id.namespace = "test".into();
        let selection = Selection::of(fleet);
        assert_eq!(name(&selection, ReplicaIndex(1)), "test/api-6f7c9-01");
    }
}
