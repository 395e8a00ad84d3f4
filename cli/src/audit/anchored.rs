//! Checkpoints that are kept outside of logs: of a cluster, and of a local fleet's user.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use kube::api::{Api, ListParams};
use prepl_audit::{CHECKPOINTS, ChainId, PublicKey, SignedCheckpoint, SigningKey};
use prepl_crd::{AuditCheckpoint, right};
use prepl_gateway::local::records;

use super::witness::{Checkpoints, OfChain};
use crate::cluster::api_error::refused;
use crate::cluster::context::Cluster;
use crate::problem::Problem;

/// Most bytes of one file of checkpoints of a local fleet; 64 MiB are 180,000 of them.
const MAX_BYTES: u64 = 64 << 20;
/// Objects that are asked for at once.
const PAGE: u32 = 100;

/// Those of a cluster, read with the user's own rights and not through a gateway. They are signed by
/// the key that `pinned` names, else by the one that stands with them.
pub async fn of_cluster(
    cluster: &Cluster,
    namespace: &str,
    pinned: Option<PublicKey>,
) -> Result<Checkpoints, Problem> {
    let objects: Api<AuditCheckpoint> = Api::namespaced(cluster.client.clone(), namespace);
    let (mut chains, mut pages) = (BTreeMap::new(), ListParams::default().limit(PAGE));
    loop {
        let page = objects.list(&pages).await;
        let page = page.map_err(|error| {
            refused("read the AuditCheckpoints", &error).hint(right::missing_audit(namespace))
        })?;
        for object in page.items {
            chains.extend(of_object(&object, pinned)?);
        }
        match page.metadata.continue_.filter(|more| !more.is_empty()) {
            Some(more) => pages = pages.continue_token(&more),
            None => return Ok(Checkpoints::OfChains(chains)),
        }
    }
}

/// The checkpoints of one object; `None` when there are none yet.
fn of_object(
    object: &AuditCheckpoint,
    pinned: Option<PublicKey>,
) -> Result<Option<(ChainId, OfChain)>, Problem> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let status = object.status.clone().unwrap_or_default();
    let (Ok(chain), Some(last)) = (name.parse(), status.checkpoints.last()) else {
        return Ok(None);
    };
    let told = || status.key.as_ref().and_then(|key| key.parse().ok());
    let key = pinned.or_else(told).ok_or_else(|| {
        Problem::failed(format!("AuditCheckpoint {name} tells no key"))
            .hint("name the key that signs checkpoints with --key")
    })?;
    let regressed = status.conditions.iter().find(|one| one.type_ == "Regressed");
    let regressed = regressed.filter(|one| one.status == "True").map(|one| one.message.clone());
    let last = Some(last.checkpoint.seq);
    let lines = status.checkpoints.iter().filter_map(|one| serde_json::to_string(one).ok());
    let lines = lines.map(|line| line + "\n").collect();
    let name = format!("AuditCheckpoint of {}", object.spec.pod);
    Ok(Some((chain, OfChain { name, key, lines, last, regressed })))
}

/// Those that the user keeps of his local fleet in this folder, by their chains.
pub fn of_fleet(anchors: &Path) -> Result<Checkpoints, Problem> {
    let unread = |error: io::Error| {
        Problem::failed(format!("cannot read the checkpoints in {}: {error}", anchors.display()))
            .hint("verify the log alone: prepl audit verify --folder FLEET/audit")
    };
    let key = match fs::read(anchors.join(records::KEY)) {
        Ok(der) => SigningKey::from_pkcs8(&der).map_err(|error| Problem::of(&error))?.public(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Checkpoints::Unknown),
        Err(error) => return Err(unread(error)),
    };
    let mut chains = BTreeMap::new();
    for entry in fs::read_dir(anchors).map_err(unread)? {
        let path = entry.map_err(unread)?.path().join(CHECKPOINTS);
        if path.is_file() {
            let text = read(&path).map_err(unread)?;
            group(&text, &path.display().to_string(), key, &mut chains);
        }
    }
    Ok(Checkpoints::OfChains(chains))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?.take(MAX_BYTES + 1);
    io::BufReader::new(file).read_to_string(&mut text)?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(io::Error::other("a file of them is too large")),
        false => Ok(text),
    }
}

/// One file may be about several chains, one after the other: a log that was taken away was begun
/// anew. A line that is no checkpoint is told with those of the chain before it.
fn group(text: &str, name: &str, key: PublicKey, chains: &mut BTreeMap<ChainId, OfChain>) {
    let mut chain = None;
    // An incomplete last line is a write that was never acknowledged.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let read = serde_json::from_str::<SignedCheckpoint>(line).ok();
        chain = read.as_ref().map(|read| read.checkpoint.chain).or(chain);
        let Some(chain) = chain else { continue };
        let of = chains.entry(chain).or_insert_with(|| OfChain {
            name: name.to_owned(),
            key,
            lines: String::new(),
            last: None,
            regressed: None,
        });
        of.lines.push_str(line);
        of.last = read.map(|read| read.checkpoint.seq).or(of.last);
    }
}
