//! `fleet.toml`: the replicas of a local fleet. Every error names its line.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use prepl_core::selection::workload_kind;
use prepl_core::{Labels, Replica, ReplicaId, Workload};
use prepl_identity::{Part, TrustDomain};
use serde::Deserialize;
use serde_spanned::Spanned;

/// Largest file in bytes: 10,000 replicas of 400 bytes.
pub const MAX_BYTES: u64 = 4 << 20;

/// A fleet file that was read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetFile {
    /// Name of the fleet, and the trust domain of its certificates.
    pub name: TrustDomain,
    /// The replicas in the order of the file.
    pub replicas: Vec<Replica>,
}

/// A replica to be added; what is empty is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReplica {
    /// Name, unique within its namespace.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// `TYPE/NAME` of what it belongs to; empty for a replica on its own.
    pub workload: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Machine it runs on.
    pub node: String,
    /// Zone of the machine.
    pub zone: String,
    /// Version of the service.
    pub version: String,
    /// `HOST:PORT` of its sidecar.
    pub address: String,
}

/// A file of a fleet that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadFleetFile {
    /// Line of the problem, from 1.
    pub line: usize,
    /// What is wrong there and what to do.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Spanned<u32>,
    name: Spanned<String>,
    #[serde(default)]
    replica: Vec<RawReplica>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReplica {
    name: Spanned<String>,
    uid: Spanned<String>,
    #[serde(default = "default_namespace")]
    namespace: Spanned<String>,
    workload: Option<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    node: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    version: String,
    address: Spanned<String>,
}

fn default_namespace() -> Spanned<String> {
    Spanned::new(0..0, "default".to_owned())
}

/// A problem at a place in the text.
type At<T> = Result<T, (Range<usize>, String)>;

impl FleetFile {
    /// Reads and checks the text of a fleet file.
    pub fn parse(text: &str) -> Result<FleetFile, BadFleetFile> {
        read(text).map_err(|(place, problem)| BadFleetFile::at(text, &place, problem))
    }
}

impl BadFleetFile {
    /// A problem at a place in a text.
    pub(super) fn at(text: &str, place: &Range<usize>, problem: String) -> BadFleetFile {
        let before = text.as_bytes().iter().take(place.start);
        BadFleetFile { line: before.filter(|byte| **byte == b'\n').count() + 1, problem }
    }
}

fn read(text: &str) -> At<FleetFile> {
    let raw: Raw = toml_edit::de::from_str(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        (error.span().unwrap_or(0..0), message)
    })?;
    if *raw.version.get_ref() != 1 {
        return Err((raw.version.span(), "this prepl reads fleet files of version 1".to_owned()));
    }
    let name = raw.name.get_ref().parse().map_err(|error| {
        (raw.name.span(), format!("{:?} cannot name a fleet: {error}", raw.name.get_ref()))
    })?;
    let replicas = raw.replica.into_iter().map(replica).collect::<At<Vec<_>>>()?;
    check_unique(&replicas)?;
    Ok(FleetFile { name, replicas: replicas.into_iter().map(|(replica, _)| replica).collect() })
}

type Placed = (Replica, Range<usize>);

fn replica(raw: RawReplica) -> At<Placed> {
    let place = raw.name.span();
    let part = |text: &Spanned<String>, what: &str| -> At<Arc<str>> {
        let bad = |error| (text.span(), format!("{:?} is no {what}: {error}", text.get_ref()));
        text.get_ref().parse::<Part>().map_err(bad).map(|part| part.as_str().into())
    };
    let name = part(&raw.name, "name of a replica")?;
    let workload = match &raw.workload {
        Some(text) => workload(text.get_ref()).map_err(|problem| (text.span(), problem))?,
        None => Workload { kind: "pod".into(), name: Arc::clone(&name) },
    };
    let id = ReplicaId {
        namespace: part(&raw.namespace, "namespace")?,
        uid: part(&raw.uid, "UID")?,
        name,
    };
    let replica = Replica {
        id,
        workload,
        labels: raw.labels.into_iter().collect::<Labels>(),
        node: raw.node.into(),
        zone: raw.zone.into(),
        version: raw.version.into(),
        container: "".into(),
        address: address(raw.address.get_ref()).map_err(|problem| (raw.address.span(), problem))?,
    };
    Ok((replica, place))
}

/// Reads `TYPE/NAME`.
pub(super) fn workload(text: &str) -> Result<Workload, String> {
    let parts = text.split_once('/').filter(|(_, name)| !name.is_empty());
    let known = parts.and_then(|(kind, name)| Some((workload_kind(kind)?, name)));
    let (kind, name) = known.ok_or_else(|| {
        format!("{text:?} is no workload; write TYPE/NAME, for example deployment/api")
    })?;
    Ok(Workload { kind: kind.into(), name: name.into() })
}

/// Reads `HOST:PORT`.
pub(super) fn address(text: &str) -> Result<Arc<str>, String> {
    let host_and_port = text.rsplit_once(':');
    let good = host_and_port.is_some_and(|(host, port)| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte))
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let problem = || format!("{text:?} is no address; write HOST:PORT, for example 10.0.0.7:7070");
    good.then(|| text.into()).ok_or_else(problem)
}

fn check_unique(replicas: &[Placed]) -> At<()> {
    let mut names = HashMap::new();
    let mut uids = HashMap::new();
    for (replica, place) in replicas {
        let id = &replica.id;
        if names.insert((&id.namespace, &id.name), ()).is_some() {
            return Err((place.clone(), format!("{id} stands in the file twice; remove one")));
        }
        if uids.insert(&id.uid, ()).is_some() {
            return Err((place.clone(), format!("{id} has the UID of another replica")));
        }
    }
    Ok(())
}
