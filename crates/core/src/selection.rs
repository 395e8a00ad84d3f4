//! Which replicas one run names: a query, resolved once and kept.

use std::collections::BTreeMap;
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
        self.everything || self.pattern.is_some() || !self.labels.is_empty()
    }

    /// Resolves the query; the order is by namespace and name.
    pub fn select(&self, fleet: &[Replica]) -> Selection {
        let mut kept: Vec<&Replica> = fleet.iter().filter(|r| self.matches(r)).collect();
        kept.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(per) = &self.per {
            kept = keep_per(kept, per, self.seed);
        }
        if let Some(pick) = self.pick {
            kept = keep_some(kept, pick, self.seed);
        }
        Selection::of(kept.into_iter().cloned().collect())
    }

    fn matches(&self, replica: &Replica) -> bool {
        let in_namespace =
            self.namespaces.is_empty() || self.namespaces.contains(&replica.id.namespace);
        in_namespace
            && self.labels.matches(&replica.labels)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(replica))
            && !self.exclude.iter().any(|pattern| pattern.matches(replica))
    }
}

fn keep_per<'a>(replicas: Vec<&'a Replica>, per: &Per, seed: u64) -> Vec<&'a Replica> {
    let mut groups: BTreeMap<Arc<str>, Vec<&Replica>> = BTreeMap::new();
    for replica in replicas {
        groups.entry(attribute(replica, &per.key)).or_default().push(replica);
    }
    let kept = groups.into_values();
    let mut kept: Vec<_> =
        kept.flat_map(|group| keep_some(group, Pick::Count(per.count), seed)).collect();
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    kept
}

fn attribute(replica: &Replica, key: &str) -> Arc<str> {
    let label = format!("label {key}");
    let found = replica.attributes().into_iter().find(|(name, _)| *name == key || *name == label);
    found.map(|(_, value)| value).unwrap_or_default()
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
