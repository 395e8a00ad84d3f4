//! Resolving what a user named.

#![expect(clippy::unwrap_used, reason = "a fleet that cannot be made is a failed test")]

use prepl_core::selection::{BadQuery, Idle, Pattern, Pick};
use prepl_core::{Query, Replica, ReplicaId, Workload};
use proptest::prelude::*;

fn replica(name: &str, zone: &str) -> Replica {
    let (app, _) = name.split_once('-').unwrap();
    Replica {
        id: ReplicaId { namespace: "shop".into(), name: name.into(), uid: name.into() },
        workload: Workload { kind: "deployment".into(), name: app.into() },
        labels: [("app", app)].into_iter().collect(),
        node: "n1".into(),
        zone: zone.into(),
        version: "1".into(),
        container: "".into(),
        address: "127.0.0.1:7070".into(),
    }
}

fn fleet() -> Vec<Replica> {
    ["api-1:a", "api-2:b", "api-3:c", "api-4:a", "web-1:a", "web-2:b"]
        .map(|entry| entry.split_once(':').unwrap())
        .map(|(name, zone)| replica(name, zone))
        .to_vec()
}

fn names(query: &Query) -> Vec<String> {
    query.select(&fleet()).replicas().iter().map(|r| r.id.name.to_string()).collect()
}

#[test]
fn a_label_selects() {
    let query = Query { labels: "app=web".parse().unwrap(), ..Query::default() };
    assert_eq!(names(&query), ["web-1", "web-2"]);
}

#[test]
fn a_place_selects() {
    let by = |zones: &[&str], nodes: &[&str], containers: &[&str]| {
        let texts = |all: &[&str]| all.iter().map(|one| (*one).into()).collect();
        let (zones, nodes, containers) = (texts(zones), texts(nodes), texts(containers));
        Query { zones, nodes, containers, ..Query::default() }
    };
    assert_eq!(names(&by(&["a", "c"], &[], &[])), ["api-1", "api-3", "api-4", "web-1"]);
    assert_eq!(names(&by(&["b"], &["n1"], &[""])), ["api-2", "web-2"]);
    assert!(names(&by(&["a"], &["n2"], &[])).is_empty());
    assert!(names(&by(&["a"], &[], &["proxy"])).is_empty());
    assert!(by(&[], &["n1"], &[]).names_something() && by(&["a"], &[], &[]).names_something());
    assert!(!by(&[], &[], &["app"]).names_something());
}

#[test]
fn a_workload_or_a_regular_expression_selects() {
    let by = |text: &str| Query { pattern: Some(text.parse().unwrap()), ..Query::default() };
    assert_eq!(names(&by("deploy/web")), ["web-1", "web-2"]);
    assert_eq!(names(&by("pod/api-3")), ["api-3"]);
    assert_eq!(names(&by("-1$")), ["api-1", "web-1"]);
    assert!(names(&by("sts/web")).is_empty());
}

#[test]
fn the_whole_name_of_a_replica_means_that_one_alone() {
    let fleet = ["api-1", "api-10", "web-api-1"].map(|name| replica(name, "a"));
    let named = |query: Query| {
        let selection = query.select(&fleet);
        selection.replicas().iter().map(|r| r.id.name.to_string()).collect::<Vec<_>>()
    };
    let by = |text: &str| Query { pattern: text.parse().ok(), ..Query::default() };
    assert_eq!(named(by("api-1")), ["api-1"]);
    assert_eq!(named(by("pi-1")), ["api-1", "api-10", "web-api-1"]);
    let without = Query { exclude: vec!["api-1".parse().unwrap()], ..by("api") };
    assert_eq!(named(without), ["api-10", "web-api-1"]);
    let elsewhere = Query { namespaces: vec!["test".into()], ..by("api-1") };
    assert!(named(elsewhere).is_empty());
}

#[test]
fn a_part_that_changes_nothing_is_idle() {
    let query = |per: &str, exclude: &str| Query {
        labels: "app=api".parse().unwrap(),
        exclude: vec![exclude.parse().unwrap()],
        per: per.parse().ok(),
        ..Query::default()
    };
    let fleet = fleet();
    assert_eq!(query("zone=1", "api-1").idle_parts(&fleet), []);
    assert_eq!(query("app=1", "api").idle_parts(&fleet), []);
    // A replica that other parts leave out is not left out by this one.
    let idle = [Idle::Exclude("web-1".into()), Idle::Per("zoen".into())];
    assert_eq!(query("zoen=1", "web-1").idle_parts(&fleet), idle);
}

#[test]
fn exclusion_wins() {
    let query = Query {
        everything: true,
        exclude: vec!["web".parse().unwrap(), "api-[12]".parse().unwrap()],
        ..Query::default()
    };
    assert_eq!(names(&query), ["api-3", "api-4"]);
}

#[test]
fn per_keeps_one_of_each() {
    let query = Query {
        labels: "app=api".parse().unwrap(),
        per: Some("zone=1".parse().unwrap()),
        ..Query::default()
    };
    let kept = query.select(&fleet());
    let zones: Vec<_> = kept.replicas().iter().map(|r| r.zone.to_string()).collect();
    assert_eq!(kept.len(), 3);
    assert_eq!(zones.iter().filter(|zone| *zone == "a").count(), 1);
}

#[test]
fn nothing_named_is_not_everything() {
    assert!(!Query::default().names_something());
    let namespace = Query { namespaces: vec!["shop".into()], ..Query::default() };
    assert!(!namespace.names_something());
    assert!(Query { everything: true, ..Query::default() }.names_something());
}

#[test]
fn nonsense_is_refused() {
    assert_eq!("node/x".parse::<Pattern>().unwrap_err(), BadQuery::Kind("node".into()));
    assert_eq!("a(".parse::<Pattern>().unwrap_err(), BadQuery::Regex("a(".into()));
    for bad in ["0", "0%", "101%", "x", ""] {
        assert!(bad.parse::<Pick>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_pick_is_a_part_of_the_right_size_and_repeats(count in 1_usize..9, seed: u64) {
        let query = Query { everything: true, pick: Some(Pick::Count(count)), seed, ..Query::default() };
        let all = names(&Query { everything: true, ..Query::default() });
        let picked = names(&query);
        prop_assert_eq!(picked.len(), count.min(all.len()));
        prop_assert!(picked.iter().all(|name| all.contains(name)));
        prop_assert_eq!(picked, names(&query));
    }
}
