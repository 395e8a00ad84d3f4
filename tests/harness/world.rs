//! A fleet of real sidecars in this process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use prepl_core::{Replica, ReplicaId, Selection, Workload};
use prepl_gateway::local::{NewReplica, edit};
use prepl_gateway::{Dialer, Gateway};
use prepl_identity::{
    Authority, Bundle, Credentials, MEMBER_LIFETIME, Name, Role, TrustDomain, USER_LIFETIME,
};
use prepl_sidecar::args::{Serve, Source};
use prepl_sidecar::endpoint::{Endpoint, Repl};
use prepl_sidecar::run::bind;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::recording::{Recording, Records};
use crate::rogue::{Conduct, Rogue};

/// A fleet, its authority and its running sidecars; all end with it.
pub struct World {
    folder: TempDir,
    domain: TrustDomain,
    authority: Authority,
    replicas: Vec<Replica>,
    sidecars: JoinSet<()>,
    records: Records,
}

impl World {
    /// A fleet without replicas.
    pub fn new() -> World {
        let domain: TrustDomain = "world.test".parse().expect("a good name");
        let authority = Authority::create(&domain).expect("an authority");
        let folder = tempfile::tempdir().expect("a folder");
        let records = Records::in_folder(folder.path().join("records"));
        World { folder, domain, authority, replicas: Vec::new(), sidecars: JoinSet::new(), records }
    }

    /// A fleet of `count` replicas of the sidecar's own engine.
    pub async fn of_rhai(count: usize) -> World {
        let mut world = World::new();
        for _ in 0..count {
            world.add(Endpoint::Rhai).await;
        }
        world
    }

    /// Starts a sidecar for a REPL; gives its place in the fleet.
    pub async fn add(&mut self, repl: impl Into<Repl>) -> usize {
        self.add_listening(repl, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// The same with a sidecar that listens there.
    pub async fn add_listening(&mut self, repl: impl Into<Repl>, listen: SocketAddr) -> usize {
        let bundle = self.bundle_file(self.replicas.len());
        self.sidecar_bundle(self.replicas.len()).write(&bundle).expect("a bundle");
        let args = Serve {
            source: Source::of_bundle(bundle),
            listen,
            repl: repl.into(),
            roots: Vec::new(),
        };
        let bound = bind(&args).await.expect("a sidecar");
        let address = bound.address().expect("an address");
        self.sidecars.spawn(async move {
            bound.serve(std::future::pending()).await.expect("a serving sidecar");
        });
        self.add_at(address)
    }

    /// Adds a replica whose sidecar is not this world's work.
    pub fn add_at(&mut self, address: SocketAddr) -> usize {
        let place = self.replicas.len();
        self.replicas.push(replica(place, address));
        place
    }

    /// Adds a replica with a sidecar that keeps no promise.
    pub async fn add_rogue(&mut self, conduct: Conduct) -> Rogue {
        let place = self.replicas.len();
        let rogue = Rogue::start(&uid(place), self.sidecar_bundle(place), conduct).await;
        self.add_at(rogue.address);
        rogue
    }

    /// Another bundle for the sidecar at a place, with a certificate of its own.
    pub fn sidecar_bundle(&self, place: usize) -> Bundle {
        self.sidecar_bundle_by(&self.authority, place)
    }

    /// The same from another authority of this fleet's name.
    pub fn sidecar_bundle_by(&self, authority: &Authority, place: usize) -> Bundle {
        let name = Name::sidecar(&self.domain, &uid(place)).expect("a good name");
        authority.issue(&name, MEMBER_LIFETIME).expect("a certificate")
    }

    /// The file that the sidecar at a place reads its bundle from.
    pub fn bundle_file(&self, place: usize) -> PathBuf {
        self.path().join(format!("api-{}.pem", place + 1))
    }

    /// The authority of this fleet.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Sends a replica's traffic elsewhere, e.g. through a [`crate::proxy`].
    pub fn reroute(&mut self, place: usize, address: SocketAddr) {
        self.replicas[place].address = address.to_string().into();
    }

    /// The replicas in the order in which they were added.
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// All of them as a selection.
    pub fn selection(&self) -> Selection {
        Selection::of(self.replicas.clone())
    }

    /// The bundle of a user with a role.
    pub fn user(&self, role: Role, name: &str) -> Bundle {
        self.user_by(&self.authority, role, name)
    }

    /// The same from another authority of this fleet's name.
    pub fn user_by(&self, authority: &Authority, role: Role, name: &str) -> Bundle {
        let name = Name::user(&self.domain, role, name).expect("a good name");
        authority.issue(&name, USER_LIFETIME).expect("a certificate")
    }

    /// A gateway as a user with the role.
    pub fn gateway(&self, role: Role) -> Recording {
        self.gateway_with(self.user(role, "mira"))
    }

    /// A gateway that shows this bundle.
    pub fn gateway_with(&self, bundle: Bundle) -> Recording {
        self.records.with(Gateway::new(Dialer::new(&Credentials::fixed(bundle))))
    }

    /// The audit log of the gateways in this process.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Writes the fleet's folder for `prepl --fleet`, for a user with the role.
    pub fn write_fleet(&self, role: Role) -> PathBuf {
        let mut text = edit::empty(&self.domain);
        for replica in &self.replicas {
            let new = NewReplica {
                name: replica.id.name.to_string(),
                namespace: replica.id.namespace.to_string(),
                workload: replica.workload.to_string(),
                labels: labels(replica),
                node: replica.node.to_string(),
                zone: replica.zone.to_string(),
                version: replica.version.to_string(),
                address: replica.address.to_string(),
            };
            text = edit::add(&text, &new, &replica.id.uid).expect("a fleet file");
        }
        std::fs::write(self.path().join("fleet.toml"), text).expect("a fleet file");
        let user = self.path().join("user.pem");
        self.user(role, "mira").write(&user).expect("a bundle");
        self.path().to_owned()
    }

    /// The folder of this world.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Default for World {
    fn default() -> Self {
        World::new()
    }
}

fn labels(replica: &Replica) -> BTreeMap<String, String> {
    replica.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn uid(place: usize) -> String {
    format!("uid-{}", place + 1)
}

fn replica(place: usize, address: SocketAddr) -> Replica {
    let zone = ["a", "b", "c"][place % 3];
    Replica {
        id: ReplicaId {
            namespace: "shop".into(),
            name: format!("api-{}", place + 1).into(),
            uid: uid(place).into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: [("app", "api")].into_iter().collect(),
        node: format!("node-{zone}").into(),
        zone: zone.into(),
        version: "2.41.0".into(),
        container: "".into(),
        address: address.to_string().into(),
    }
}
