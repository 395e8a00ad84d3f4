//! Certificates and names of a fleet; floor and sidecars show the same ones.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use prepl_core::{Replica, ReplicaId, Selection, Workload};
use prepl_gateway::local::{NewReplica, edit};
use prepl_identity::{
    Authority, Credentials, MEMBER_LIFETIME, Name, Role, TrustDomain, USER_LIFETIME,
};
use tempfile::TempDir;

use crate::Failure;

/// A folder of bundles, and a user who may evaluate.
pub struct Fleet {
    folder: TempDir,
    domain: TrustDomain,
    user: Credentials,
}

impl Fleet {
    /// A fleet of `count` replicas that nobody serves yet.
    pub fn new(count: usize) -> Result<Fleet, Failure> {
        let domain: TrustDomain = "bench.test".parse()?;
        let authority = Authority::create(&domain)?;
        let folder = tempfile::tempdir()?;
        for number in 0..count {
            let name = Name::sidecar(&domain, &uid(number))?;
            let bundle = authority.issue(&name, MEMBER_LIFETIME)?;
            bundle.write(&bundle_path(folder.path(), number))?;
        }
        let user = Name::user(&domain, Role::Evaluator, "mira")?;
        let user = Credentials::fixed(authority.issue(&user, USER_LIFETIME)?);
        Ok(Fleet { folder, domain, user })
    }

    /// Where the bundles are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the callers of this fleet show.
    pub fn user(&self) -> &Credentials {
        &self.user
    }

    /// The name in a replica's certificate.
    pub fn name(&self, number: usize) -> Result<Name, Failure> {
        Ok(Name::sidecar(&self.domain, &uid(number))?)
    }

    /// Writes what `prepl --fleet` needs for the replicas at these addresses.
    pub fn write(&self, addresses: &[SocketAddr]) -> Result<(), Failure> {
        let mut text = edit::empty(&self.domain);
        for (number, address) in addresses.iter().enumerate() {
            let new = NewReplica {
                name: format!("api-{number}"),
                namespace: "shop".to_owned(),
                workload: "deployment/api".to_owned(),
                labels: [("app".to_owned(), "api".to_owned())].into(),
                node: String::new(),
                zone: String::new(),
                version: String::new(),
                address: address.to_string(),
            };
            text = edit::add(&text, &new, &uid(number))?;
        }
        std::fs::write(self.path().join("fleet.toml"), text)?;
        Ok(self.user.current().write(&self.path().join("user.pem"))?)
    }

    /// The replicas that listen at these addresses, from the first on.
    pub fn selection(addresses: &[SocketAddr]) -> Selection {
        Selection::of(addresses.iter().enumerate().map(|(n, at)| replica(n, *at)).collect())
    }
}

/// The bundle of a replica in a fleet's folder.
pub fn bundle_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("api-{number}.pem"))
}

fn uid(number: usize) -> String {
    format!("uid-{number}")
}

fn replica(number: usize, address: SocketAddr) -> Replica {
    Replica {
        id: ReplicaId {
            namespace: "shop".into(),
            name: format!("api-{number}").into(),
            uid: uid(number).into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: [("app", "api")].into_iter().collect(),
        node: "node-a".into(),
        zone: "a".into(),
        version: "2.41.0".into(),
        container: "".into(),
        address: address.to_string().into(),
    }
}
