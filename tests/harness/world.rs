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
use prepl_sidecar::args::Serve;
use prepl_sidecar::endpoint::Endpoint;
use prepl_sidecar::run::bind;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// A fleet, its authority and its running sidecars; all end with it.
pub struct World {
    folder: TempDir,
    domain: TrustDomain,
    authority: Authority,
    replicas: Vec<Replica>,
    sidecars: JoinSet<()>,
}

impl World {
    /// A fleet without replicas.
    pub fn new() -> World {
        let domain: TrustDomain = "world.test".parse().expect("a good name");
        let authority = Authority::create(&domain).expect("an authority");
        let folder = tempfile::tempdir().expect("a folder");
        World { folder, domain, authority, replicas: Vec::new(), sidecars: JoinSet::new() }
    }

    /// A fleet of `count` replicas of the sidecar's own engine.
    pub async fn of_rhai(count: usize) -> World {
        let mut world = World::new();
        for _ in 0..count {
            world.add(Endpoint::Rhai).await;
        }
        world
    }

    /// Starts a sidecar for the REPL at `endpoint`; gives its place in the fleet.
    pub async fn add(&mut self, endpoint: Endpoint) -> usize {
        let number = self.replicas.len() + 1;
        let uid = format!("uid-{number}");
        let bundle = self.folder.path().join(format!("api-{number}.pem"));
        let name = Name::sidecar(&self.domain, &uid).expect("a good name");
        let issued = self.authority.issue(&name, MEMBER_LIFETIME).expect("a certificate");
        issued.write(&bundle).expect("a bundle");
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let args = Serve { bundle, listen, repl: endpoint, roots: Vec::new() };
        let bound = bind(&args).await.expect("a sidecar");
        let address = bound.address().expect("an address");
        self.sidecars.spawn(async move {
            bound.serve(std::future::pending()).await.expect("a serving sidecar");
        });
        self.replicas.push(replica(number, &uid, address));
        number - 1
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
        let name = Name::user(&self.domain, role, name).expect("a good name");
        self.authority.issue(&name, USER_LIFETIME).expect("a certificate")
    }

    /// A gateway as a user with the role.
    pub fn gateway(&self, role: Role) -> Gateway<Dialer> {
        self.gateway_with(self.user(role, "mira"))
    }

    /// A gateway that shows this bundle.
    pub fn gateway_with(&self, bundle: Bundle) -> Gateway<Dialer> {
        Gateway::new(Dialer::new(&Credentials::fixed(bundle)))
    }

    /// Writes the fleet's folder for `prepl --fleet`, as its evaluator.
    pub fn write_fleet(&self) -> PathBuf {
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
        self.user(Role::Evaluator, "mira").write(&user).expect("a bundle");
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

fn replica(number: usize, uid: &str, address: SocketAddr) -> Replica {
    let zone = ["a", "b", "c"][number % 3];
    Replica {
        id: ReplicaId {
            namespace: "shop".into(),
            name: format!("api-{number}").into(),
            uid: uid.into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: [("app", "api")].into_iter().collect(),
        node: format!("node-{zone}").into(),
        zone: zone.into(),
        version: "2.41.0".into(),
        address: address.to_string().into(),
    }
}
