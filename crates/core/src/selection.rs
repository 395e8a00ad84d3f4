//! Which replicas one run names: a query, resolved once and kept.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use regex_lite::Regex;

use crate::{LabelSelector, Replica, ReplicaIndex};

/// What a user named. No part named is an error, never "all".
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Namespaces to look in; empty looks in all.
    pub namespaces: Vec<Arc<str>>,
    /// Every namespace was asked for by name (`-A`), which counts as a selection.
    pub everything: bool,
    /// Labels that must match.
    pub labels: LabelSelector,
    /// Workload or name pattern.
    pub pattern: Option<Pattern>,
    /// Nodes to look on; empty looks on all.
    pub nodes: Vec<Arc<str>>,
    /// Zones to look in; empty looks in all.
    pub zones: Vec<Arc<str>>,
    /// Containers whose REPLs are meant; empty means all.
    pub containers: Vec<Arc<str>>,
    /// Name patterns to leave out; exclusion wins.
    pub exclude: Vec<Pattern>,
    /// Keep at most this many of each group of equal attribute, e.g. one per zone.
    pub per: Option<Per>,
    /// Keep a random part.
    pub pick: Option<Pick>,
    /// Seed of the random part; the same seed picks the same replicas.
    pub seed: u64,
}

/// `TYPE/NAME`, or a regular expression on replica names (unanchored, as stern does).
///
/// A text that is the whole name of a replica means that one alone: `api-1` is not `api-10`.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// One workload, e.g. `deployment/api`; `pod` and `replica` name the replica itself.
    Workload {
        /// Kind in lower case and singular.
        kind: String,
        /// Name of the workload.
        name: String,
    },
    /// Part of a replica's name.
    Name(Regex),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Workload { kind, name } => write!(f, "{kind}/{name}"),
            Pattern::Name(regex) => f.write_str(regex.as_str()),
        }
    }
}

/// A part of a query that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It excludes no replica that is named.
    Exclude(String),
    /// No replica that is named has this attribute or label.
    Per(String),
}

/// At most `count` replicas for each value of `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Per {
    key: String,
    count: usize,
}

/// How much to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// So many replicas.
    Count(usize),
    /// So many per cent, rounded up; 1 to 100.
    Percent(u8),
}

/// A part of a query that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// An unknown kind before the slash.
    #[error(
        "{0:?} is not a kind that owns replicas; use deployment, statefulset, daemonset, \
         replicaset, job, cronjob or pod, or a regular expression without a slash"
    )]
    Kind(String),
    /// A regular expression that cannot be read.
    #[error("cannot read {0:?} as a regular expression on replica names")]
    Regex(String),
    /// `--pick` with something else than a number or a percentage.
    #[error("cannot read {0:?}; write a number such as 3, or a percentage such as 10%")]
    Pick(String),
    /// `--per` with something else than KEY=N.
    #[error("cannot read {0:?}; write KEY=N, for example zone=1")]
    Per(String),
}

impl FromStr for Pattern {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Self, BadQuery> {
        if let Some((kind, name)) = text.split_once('/') {
            let kind = workload_kind(kind).ok_or_else(|| BadQuery::Kind(kind.to_owned()))?;
            return Ok(Pattern::Workload { kind: kind.to_owned(), name: name.to_owned() });
        }
        let short = text.len() <= 256;
        let regex = Regex::new(text).ok().filter(|_| short);
        regex.map(Pattern::Name).ok_or_else(|| BadQuery::Regex(text.to_owned()))
    }
}

/// The kind behind kubectl's names for it.
pub fn workload_kind(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "deploy" | "deployment" | "deployments" => "deployment",
        "sts" | "statefulset" | "statefulsets" => "statefulset",
        "ds" | "daemonset" | "daemonsets" => "daemonset",
        "rs" | "replicaset" | "replicasets" => "replicaset",
        "job" | "jobs" => "job",
        "cj" | "cronjob" | "cronjobs" => "cronjob",
        "po" | "pod" | "pods" | "replica" | "replicas" => "pod",
        _ => return None,
    })
}

impl FromStr for Pick {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Self, BadQuery> {
        let bad = || BadQuery::Pick(text.to_owned());
        match text.strip_suffix('%') {
            Some(number) => {
                number.parse().ok().filter(|n| (1..=100).contains(n)).map(Pick::Percent)
            }
            None => text.parse().ok().filter(|n| *n >= 1).map(Pick::Count),
        }
        .ok_or_else(bad)
    }
}

impl FromStr for Per {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Self, BadQuery> {
        text.split_once('=')
            .and_then(|(key, count)| Some((key, count.parse().ok().filter(|n| *n >= 1)?)))
            .map(|(key, count)| Per { key: key.to_owned(), count })
            .ok_or_else(|| BadQuery::Per(text.to_owned()))
    }
}

impl Pattern {
    /// This pattern among these replicas: the whole name of one is no regular expression.
    fn among<'a>(&self, mut fleet: impl Iterator<Item = &'a Replica>) -> Pattern {
        match self {
            Pattern::Name(regex) if fleet.any(|replica| *replica.id.name == *regex.as_str()) => {
                Pattern::Workload { kind: "pod".to_owned(), name: regex.as_str().to_owned() }
            }
            other => other.clone(),
        }
    }

    fn matches(&self, replica: &Replica) -> bool {
        match self {
            Pattern::Workload { kind, name } if kind == "pod" => *name == *replica.id.name,
            Pattern::Workload { kind, name } => {
                *kind == *replica.workload.kind && *name == *replica.workload.name
            }
            Pattern::Name(regex) => regex.is_match(&replica.id.name),
        }
    }
}

/// The replicas of one run, in a stable order; kept for the whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Arc<[Replica]>);

impl Selection {
    /// A selection of exactly these replicas, in this order.
    pub fn of(replicas: Vec<Replica>) -> Selection {
        Selection(replicas.into())
    }

    /// The replicas in order.
    pub fn replicas(&self) -> &[Replica] {
        &self.0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing matched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The replica at a place; places come from this selection.
    pub fn get(&self, index: ReplicaIndex) -> Option<&Replica> {
        self.0.get(index.get())
    }

    /// Places and replicas in order.
    pub fn indexed(&self) -> impl Iterator<Item = (ReplicaIndex, &Replica)> {
        (0..).map(ReplicaIndex).zip(self.0.iter())
    }
}

impl Query {
    /// Whether the user named anything at all.
    pub fn names_something(&self) -> bool {
        let placed = !self.nodes.is_empty() || !self.zones.is_empty();
        self.everything || self.pattern.is_some() || !self.labels.is_empty() || placed
    }

    /// Resolves the query; the order is by namespace and name.
    pub fn select(&self, fleet: &[Replica]) -> Selection {
        let query = self.among(fleet);
        let mut kept: Vec<&Replica> = fleet.iter().filter(|r| query.matches(r)).collect();
        kept.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(per) = &self.per {
            kept = keep_per(kept, per, self.seed);
        }
        if let Some(pick) = self.pick {
            kept = keep_some(kept, pick, self.seed);
        }
        Selection::of(kept.into_iter().cloned().collect())
    }

    /// The parts that change nothing, though they were meant to.
    pub fn idle_parts(&self, fleet: &[Replica]) -> Vec<Idle> {
        let mut query = self.among(fleet);
        let exclude = std::mem::take(&mut query.exclude);
        let named: Vec<_> = fleet.iter().filter(|replica| query.matches(replica)).collect();
        let none = |pattern: &Pattern| !named.iter().any(|replica| pattern.matches(replica));
        let exclude = self.exclude.iter().zip(exclude).filter(|(_, found)| none(found));
        let idle = exclude.map(|(pattern, _)| Idle::Exclude(pattern.to_string()));
        let strange =
            |per: &&Per| named.iter().all(|replica| attribute(replica, &per.key).is_none());
        idle.chain(self.per.iter().filter(strange).map(|per| Idle::Per(per.key.clone()))).collect()
    }

    fn among(&self, fleet: &[Replica]) -> Query {
        let here = || fleet.iter().filter(|replica| self.looks_at(replica));
        Query {
            pattern: self.pattern.as_ref().map(|pattern| pattern.among(here())),
            exclude: self.exclude.iter().map(|pattern| pattern.among(here())).collect(),
            ..self.clone()
        }
    }

    fn looks_at(&self, replica: &Replica) -> bool {
        let among = |wanted: &[Arc<str>], one| wanted.is_empty() || wanted.contains(one);
        among(&self.namespaces, &replica.id.namespace)
            && among(&self.nodes, &replica.node)
            && among(&self.zones, &replica.zone)
            && among(&self.containers, &replica.container)
    }

    fn matches(&self, replica: &Replica) -> bool {
        self.looks_at(replica)
            && self.labels.matches(&replica.labels)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(replica))
            && !self.exclude.iter().any(|pattern| pattern.matches(replica))
    }
}

fn keep_per<'a>(replicas: Vec<&'a Replica>, per: &Per, seed: u64) -> Vec<&'a Replica> {
    let mut groups: BTreeMap<Arc<str>, Vec<&Replica>> = BTreeMap::new();
    for replica in replicas {
        let value = attribute(replica, &per.key).unwrap_or_default();
        groups.entry(value).or_default().push(replica);
    }
    let kept = groups.into_values();
    let mut kept: Vec<_> =
        kept.flat_map(|group| keep_some(group, Pick::Count(per.count), seed)).collect();
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    kept
}

fn attribute(replica: &Replica, key: &str) -> Option<Arc<str>> {
    let label = format!("label {key}");
    let found = replica.attributes().into_iter().find(|(name, _)| *name == key || *name == label);
    found.map(|(_, value)| value)
}

fn keep_some(replicas: Vec<&Replica>, pick: Pick, seed: u64) -> Vec<&Replica> {
    let count = match pick {
        Pick::Count(count) => count,
        Pick::Percent(percent) => (replicas.len() * usize::from(percent)).div_ceil(100),
    };
    let mut by_chance: Vec<_> =
        replicas.into_iter().map(|r| (chance(seed, &r.id.uid), r)).collect();
    by_chance.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let mut kept: Vec<_> = by_chance.into_iter().take(count).map(|(_, replica)| replica).collect();
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    kept
}

/// A pseudo-random number that depends on the seed and the replica alone.
fn chance(seed: u64, uid: &str) -> u64 {
    let digest = crate::Digest::of(&format!("{seed}/{uid}"));
    digest.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
