//! What splits the groups is named, and only what is true.

mod common;

use std::sync::Arc;

use common::{places, selection};
use prepl_core::{ReplicaIndex, Selection};
use prepl_fold::{Explanation, Kind, MAX_EXPLANATIONS, explain};
use proptest::prelude::*;

fn explained(selection: &Selection, groups: &[Vec<ReplicaIndex>]) -> Vec<Explanation> {
    explain(selection, &groups.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn exact(attribute: &str, values: &[&str]) -> Explanation {
    let values = values.iter().map(|value| Some(Arc::from(*value))).collect();
    Explanation { attribute: attribute.into(), kind: Kind::Exact { values } }
}

fn only(attribute: &str, group: usize, value: &str, elsewhere: usize) -> Explanation {
    let kind = Kind::Only { group, value: value.into(), elsewhere };
    Explanation { attribute: attribute.into(), kind }
}

#[test]
fn a_version_that_splits_exactly_is_told_first() {
    let fleet = selection(&[
        ["v2", "a", "n1"],
        ["v2", "b", "n2"],
        ["v2", "c", "n3"],
        ["v1", "c", "n4"],
        ["v1", "c", "n4"],
    ]);
    let told = explained(&fleet, &[places(0..3), places(3..5)]);
    let expected =
        [exact("version", &["v2", "v1"]), only("node", 1, "n4", 0), only("zone", 1, "c", 1)];
    assert_eq!(told, expected);
}

#[test]
fn an_attribute_of_its_own_for_each_replica_explains_nothing() {
    let fleet = selection(&[["v1", "a", "n1"], ["v1", "a", "n2"], ["v1", "a", "n3"]]);
    assert_eq!(explained(&fleet, &[places([0]), places([1]), places([2])]), []);
    assert_eq!(explained(&fleet, &[places([0, 1]), places([2])]), []);
}

#[test]
fn two_replicas_of_two_versions_are_explained() {
    let fleet = selection(&[["v1", "a", "n1"], ["v2", "b", "n2"]]);
    assert_eq!(explained(&fleet, &[places([0]), places([1])]), [exact("version", &["v1", "v2"])]);
}

#[test]
fn a_single_replica_is_not_explained_by_what_others_have_too() {
    let fleet = selection(&[["v1", "a", "n1"], ["v1", "b", "n1"], ["v1", "b", "n2"]]);
    assert_eq!(explained(&fleet, &[places([0, 2]), places([1])]), []);
}

#[test]
fn a_missing_attribute_counts_as_a_value() {
    let fleet =
        selection(&[["v1", "", "n1"], ["v1", "", "n1"], ["v1", "c", "n1"], ["v1", "c", "n1"]]);
    let told = explained(&fleet, &[places([0, 1]), places([2, 3])]);
    let kind = Kind::Exact { values: vec![None, Some("c".into())] };
    assert_eq!(told, [Explanation { attribute: "zone".into(), kind }]);
}

#[test]
fn one_group_or_a_foreign_replica_explains_nothing() {
    let fleet = selection(&[["v1", "a", "n1"], ["v2", "a", "n1"]]);
    assert_eq!(explained(&fleet, &[places([0, 1])]), []);
    assert_eq!(explained(&fleet, &[places([7]), places([8])]), []);
    assert_eq!(explained(&fleet, &[places([0]), vec![]]), []);
}

fn attribute(fleet: &Selection, index: ReplicaIndex, name: &str) -> Option<Arc<str>> {
    let attributes = fleet.get(index)?.attributes();
    attributes.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

proptest! {
    #[test]
    fn every_statement_is_true(
        facts in proptest::collection::vec(("v[12]", "[ab]?", "n[1-4]", 0..3usize), 1..12),
    ) {
        let rows: Vec<[&str; 3]> =
            facts.iter().map(|(version, zone, node, _)| [&**version, &**zone, &**node]).collect();
        let fleet = selection(&rows);
        let member_of = |group| {
            places((0..).zip(&facts).filter(|(_, fact)| fact.3 == group).map(|(n, _)| n))
        };
        let mut groups: Vec<_> = (0..3).map(member_of).collect();
        groups.retain(|members| !members.is_empty());
        let told = explained(&fleet, &groups);
        prop_assert!(told.len() <= MAX_EXPLANATIONS);
        for Explanation { attribute: name, kind } in told {
            let has = |index: &ReplicaIndex| attribute(&fleet, *index, &name);
            match kind {
                Kind::Exact { values } => {
                    prop_assert_eq!(values.len(), groups.len());
                    for (value, members) in values.iter().zip(&groups) {
                        prop_assert!(members.iter().all(|index| has(index) == *value));
                        prop_assert_eq!(values.iter().filter(|other| *other == value).count(), 1);
                    }
                }
                Kind::Only { group, value, elsewhere } => {
                    let value = Some(value);
                    prop_assert!(groups[group].iter().all(|index| has(index) == value));
                    let all = groups.concat().iter().filter(|index| has(index) == value).count();
                    prop_assert_eq!(elsewhere, all - groups[group].len());
                }
            }
        }
    }
}
