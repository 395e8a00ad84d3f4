//! Which replicas a command means: the flags, the query, and why a query found nothing.

use std::sync::Arc;

use clap::Args;
use prepl_core::selection::{Idle, Pattern, Per, Pick};
use prepl_core::{LabelSelector, Query, Replica, Selection};

use crate::cluster::fleet::Scope;
use crate::problem::Problem;
use crate::render::safe::{self, Layout};

/// Flags that name replicas; the same for every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which replicas")]
pub struct SelectArgs {
    /// Labels that must match, as kubectl writes them: app=api,tier!=db
    #[arg(short = 'l', long = "selector", value_name = "LABELS")]
    selectors: Vec<LabelSelector>,
    /// Look in this namespace alone; repeat for several
    #[arg(short = 'n', long = "namespace", value_name = "NAME")]
    namespaces: Vec<String>,
    /// Every replica of every namespace; wins over -n, as kubectl's does
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Look on this node alone; repeat for several
    #[arg(long = "node", value_name = "NAME")]
    nodes: Vec<String>,
    /// Look in this zone alone; repeat for several
    #[arg(long = "zone", value_name = "NAME")]
    zones: Vec<String>,
    /// Only REPLs in this container of a pod; repeat for several
    #[arg(short = 'c', long = "container", value_name = "NAME")]
    containers: Vec<String>,
    /// Leave out replicas that match TYPE/NAME or a regular expression
    #[arg(short = 'x', long, value_name = "TARGET")]
    exclude: Vec<Pattern>,
    /// Keep a part chosen by hash: a number, or a percentage; the same every time
    #[arg(long, value_name = "N|P%")]
    pick: Option<Pick>,
    /// Keep at most N of each value of an attribute, for example zone=1
    #[arg(long, value_name = "KEY=N")]
    per: Option<Per>,
    /// Another seed makes --pick and --per choose others
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
}

impl SelectArgs {
    /// The query of these flags and the target, if one was named.
    pub fn query(&self, target: Option<Pattern>) -> Query {
        let namespaces = self.namespaces.iter().filter(|_| !self.all_namespaces);
        Query {
            namespaces: namespaces.map(|name| Arc::from(name.as_str())).collect(),
            everything: self.all_namespaces,
            labels: self
                .selectors
                .iter()
                .cloned()
                .fold(LabelSelector::default(), |all, one| all.and(one)),
            pattern: target,
            nodes: texts(&self.nodes),
            zones: texts(&self.zones),
            containers: texts(&self.containers),
            exclude: self.exclude.clone(),
            per: self.per.clone(),
            pick: self.pick,
            seed: self.seed,
        }
    }
}

fn texts(names: &[String]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(name.as_str())).collect()
}

impl SelectArgs {
    /// Where a cluster is to be looked in.
    pub fn scope(&self) -> Scope {
        match &self.namespaces[..] {
            _ if self.all_namespaces => Scope::All,
            [] => Scope::One(None),
            [one] => Scope::One(Some(one.clone())),
            _ => Scope::All,
        }
    }
}

/// Resolves a query, or says why it names nothing.
pub fn resolve(query: &Query, fleet: &[Replica]) -> Result<Selection, Problem> {
    if !query.names_something() {
        return Err(Problem::usage("no replicas named; nothing ran").hint(
            "name some with -l app=api, deploy/api or a name such as 'api-.*'; -A means all",
        ));
    }
    let selection = query.select(fleet);
    if selection.is_empty() { Err(why_nothing(query, fleet)) } else { Ok(selection) }
}

/// A line for each part of a query that changes nothing: it may be misspelt.
pub fn warnings(query: &Query, fleet: &[Replica]) -> String {
    let idle = query.idle_parts(fleet).into_iter().map(|part| match part {
        Idle::Exclude(pattern) => format!("-x {pattern} leaves out no replica"),
        Idle::Per(key) => {
            format!("--per {key}: no replica has that attribute or label, so all count as alike")
        }
    });
    idle.map(|line| format!("warning: {}\n", safe::text(&line, Layout::Line))).collect()
}

/// Tells which part of a query matches no replica of the fleet.
fn why_nothing(query: &Query, fleet: &[Replica]) -> Problem {
    let problem = Problem::nothing_matched("no replica matched; nothing ran");
    if fleet.is_empty() {
        return problem.hint("the fleet has no replicas; add one with: prepl fleet add");
    }
    match culprit(query, fleet) {
        Some(hint) => problem.hint(hint),
        None => problem.hint("each part matches some replica, but no replica matches all of them"),
    }
}

fn culprit(query: &Query, fleet: &[Replica]) -> Option<String> {
    unknown_namespace(query, fleet)
        .or_else(|| unknown_place("node", &query.nodes, fleet, |replica| &*replica.node))
        .or_else(|| unknown_place("zone", &query.zones, fleet, |replica| &*replica.zone))
        .or_else(|| {
            unknown_place("container", &query.containers, fleet, |replica| &*replica.container)
        })
        .or_else(|| unknown_label(query, fleet))
        .or_else(|| unmatched_labels(query, fleet))
        .or_else(|| unmatched_target(query, fleet))
        .or_else(|| everything_excluded(query, fleet))
}

fn unknown_namespace(query: &Query, fleet: &[Replica]) -> Option<String> {
    let known = distinct(fleet.iter().map(|replica| &*replica.id.namespace));
    let unknown = query.namespaces.iter().find(|name| !known.contains(&&***name))?;
    Some(format!("no namespace {unknown}; the fleet has {}", some_of(unknown, known)))
}

fn unknown_place(
    what: &str,
    wanted: &[Arc<str>],
    fleet: &[Replica],
    place: impl Fn(&Replica) -> &str,
) -> Option<String> {
    let known = distinct(fleet.iter().map(&place).filter(|name| !name.is_empty()));
    let unknown = wanted.iter().find(|name| !known.contains(&&***name))?;
    Some(format!("no replica in {what} {unknown}; the fleet has {}", some_of(unknown, known)))
}

fn unknown_label(query: &Query, fleet: &[Replica]) -> Option<String> {
    let labels = fleet.iter().flat_map(|replica| replica.labels.iter());
    let known = distinct(labels.map(|(key, _)| key));
    let unknown = query.labels.keys().find(|key| !known.contains(key))?;
    Some(format!("no replica has a label {unknown}; the fleet has {}", some_of(unknown, known)))
}

fn unmatched_labels(query: &Query, fleet: &[Replica]) -> Option<String> {
    let none = !fleet.iter().any(|replica| query.labels.matches(&replica.labels));
    let key = query.labels.keys().next().filter(|_| none)?;
    let values = distinct(fleet.iter().filter_map(|replica| replica.labels.get(key)));
    Some(format!("no replica has these labels; {key} is one of {}", some_of("", values)))
}

fn unmatched_target(query: &Query, fleet: &[Replica]) -> Option<String> {
    let pattern = query.pattern.clone()?;
    let alone = Query { pattern: Some(pattern.clone()), ..Query::default() };
    if !alone.select(fleet).is_empty() {
        return None;
    }
    Some(match pattern {
        Pattern::Workload { kind, name } if kind != "pod" => {
            let workloads: Vec<_> = fleet.iter().map(|r| r.workload.to_string()).collect();
            let wanted = format!("{kind}/{name}");
            let known = some_of(&wanted, distinct(workloads.iter().map(String::as_str)));
            format!("no {wanted}; the fleet has {known}")
        }
        Pattern::Workload { name, .. } => no_such_name(&name, fleet),
        Pattern::Name(regex) => no_such_name(regex.as_str(), fleet),
    })
}

fn no_such_name(wanted: &str, fleet: &[Replica]) -> String {
    let names = distinct(fleet.iter().map(|replica| &*replica.id.name));
    format!("no replica is named {wanted}; nearest are {}", some_of(wanted, names))
}

fn everything_excluded(query: &Query, fleet: &[Replica]) -> Option<String> {
    let without = Query { exclude: Vec::new(), ..query.clone() };
    let left = without.select(fleet).len();
    (left > 0).then(|| format!("--exclude leaves out all {left} replicas that matched"))
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// At most five names, those nearest to what was wanted first.
fn some_of(wanted: &str, mut names: Vec<&str>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.sort_by_key(|name| distance(wanted, name));
    let rest = names.len().saturating_sub(5);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{}{more}", names[..names.len() - rest].join(", "))
}

/// Levenshtein's distance over the first 64 characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn hint(query: Query) -> String {
        resolve(&query, &example::api_fleet(12)).unwrap_err().hint.unwrap()
    }

    fn labels(text: &str) -> Query {
        Query { labels: text.parse().unwrap(), ..Query::default() }
    }

    #[test]
    fn a_namespace_alone_selects_nothing() {
        let query = Query { namespaces: vec!["shop".into()], ..Query::default() };
        let problem = resolve(&query, &example::api_fleet(12)).unwrap_err();
        assert_eq!(problem.code, prepl_core::ExitCode::Usage);
    }

    #[test]
    fn the_part_that_matched_nothing_is_named() {
        let target = |text: &str| Query { pattern: text.parse().ok(), ..Query::default() };
        let namespace = Query { namespaces: vec!["shp".into()], ..labels("app=api") };
        assert_eq!(hint(namespace), "no namespace shp; the fleet has shop");
        assert_eq!(hint(labels("ap=api")), "no replica has a label ap; the fleet has app, tier");
        assert_eq!(hint(labels("app=x")), "no replica has these labels; app is one of api");
        let workload = hint(target("sts/api"));
        assert_eq!(workload, "no statefulset/api; the fleet has deployment/api");
        assert!(hint(target("apo-0")).contains("nearest are api-6f7c9-00, "));
        let excluded = Query { exclude: vec!["api".parse().unwrap()], ..labels("app=api") };
        assert_eq!(hint(excluded), "--exclude leaves out all 12 replicas that matched");
    }

    #[test]
    fn parts_that_change_nothing_are_warned_of() {
        let fleet = example::api_fleet(3);
        let exclude = vec!["deploy/x".parse().unwrap(), "-02$".parse().unwrap()];
        let query =
            Query { exclude, per: "zoen=1".parse().ok(), everything: true, ..Query::default() };
        insta::assert_snapshot!(warnings(&query, &fleet), @r"
        warning: -x deployment/x leaves out no replica
        warning: --per zoen: no replica has that attribute or label, so all count as alike
        ");
        let query = Query { exclude: Vec::new(), per: "zone=1".parse().ok(), ..query };
        assert_eq!(warnings(&query, &fleet), "");
    }

    #[test]
    fn names_are_compared_by_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("api", "api"), 0);
    }
}
