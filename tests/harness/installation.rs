//! prepl in a cluster that is an API server alone: pods are sidecars of this process, gateways are
//! processes of the real program.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use prepl_core::Replica;
use prepl_gateway::Remote;
use prepl_identity::Credentials;
use prepl_sidecar::endpoint::Endpoint;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::api_server::ApiServer;
use crate::cluster::access_with_uid;
use crate::enroller::Enroller;
use crate::subnet::Subnet;
use crate::{Operator, World, in_time};

/// Where the sidecar of a pod listens.
const POD_PORT: u16 = 7070;
/// Where a gateway listens.
const GATEWAY_PORT: u16 = 7071;
/// Where it tells whether it is ready.
const ADMIN_PORT: u16 = 8080;
/// The first pod of a subnet, and what the number of a gateway is added to.
const FIRST_POD: usize = 2;
const GATEWAYS: usize = 50;

/// A cluster with prepl in it.
pub struct Installation {
    /// The pods' sidecars.
    pub world: World,
    /// What the cluster knows.
    pub api: ApiServer,
    enroller: Enroller,
    program: PathBuf,
    audit_root: PathBuf,
    subnet: Subnet,
}

impl Installation {
    /// A cluster with a pod for each app; `program` is `prepl-operator`.
    pub async fn of(program: &Path, apps: &[SocketAddr]) -> Installation {
        let repls: Vec<_> = apps.iter().map(|app| Endpoint::Nrepl(*app)).collect();
        Installation::of_repls(program, repls).await
    }

    /// A cluster with a pod for each of these REPLs.
    pub async fn of_repls(program: &Path, repls: Vec<Endpoint>) -> Installation {
        let (mut world, api, subnet) = (World::new(), ApiServer::start().await, Subnet::claim());
        for (number, repl) in repls.into_iter().enumerate() {
            let listen = address(&subnet, FIRST_POD + number, POD_PORT);
            world.add_listening(repl, listen).await;
        }
        world.replicas().iter().flat_map(objects).for_each(|object| api.put(object));
        let enroller = Enroller::start(world.authority()).await;
        api.write_kubeconfig(world.path());
        let authorities = world.authority().certificate_pem();
        std::fs::write(world.path().join("authorities.pem"), authorities).expect("a file");
        let audit_root = world.path().to_owned();
        Installation { audit_root, world, api, enroller, program: program.to_owned(), subnet }
    }

    /// Gives a user an access for everything.
    pub fn admit(&self, user: &str) {
        self.api.put(json!({
            "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
            "metadata": { "namespace": "shop", "name": user, "uid": access_uid(user) },
            "spec": { "user": { "username": user }, "csr": "", "mode": "Attach" },
            "status": { "phase": "Active", "notAfter": "2999-01-01T00:00:00Z" },
        }));
    }

    /// Has gateways that are started from now on keep their audit logs below this folder.
    pub fn keep_audit_in(&mut self, folder: &Path) {
        self.audit_root = folder.to_owned();
    }

    /// The folder of a gateway's audit log.
    pub fn audit(&self, number: usize) -> PathBuf {
        self.audit_root.join(format!("audit-{number}"))
    }

    /// The command that runs a gateway, which has a number from 1.
    pub fn command(&self, number: usize) -> Command {
        let (folder, uid) = (self.world.path(), format!("gateway-{number}"));
        let token = folder.join(&uid);
        std::fs::write(&token, &uid).expect("a file");
        let mut command = Command::new(&self.program);
        command.env("KUBECONFIG", folder.join("kubeconfig")).env("PREPL_POD_NAME", &uid);
        command.arg("gateway").arg("--trust-domain").arg(self.world.authority().domain().as_str());
        command.arg("--enrol-address").arg(self.enroller.address.to_string());
        command.arg("--token-file").arg(token).arg("--pod-uid").arg(&uid);
        command.arg("--authorities-file").arg(folder.join("authorities.pem"));
        command.arg("--listen").arg(self.gateway(number, GATEWAY_PORT).to_string());
        command.arg("--admin-listen").arg(self.gateway(number, ADMIN_PORT).to_string());
        command.arg("--audit-folder").arg(self.audit(number));
        command
    }

    /// Starts a gateway by its command.
    pub fn start(&self, number: usize, command: Command) -> Operator {
        let (listen, admin) =
            (self.gateway(number, GATEWAY_PORT), self.gateway(number, ADMIN_PORT));
        let log = self.world.path().join(format!("gateway-{number}.log"));
        Operator::start(command, listen, admin, &log)
    }

    /// Starts a gateway and waits until it is ready.
    pub async fn gateway_ready(&self, number: usize) -> Operator {
        self.start(number, self.command(number)).ready().await
    }

    /// An admitted user's way to the first of these gateways that answers.
    pub async fn user(&self, name: &str, gateways: &[usize]) -> Remote {
        let there = gateways.iter().map(|number| self.gateway(*number, GATEWAY_PORT));
        self.user_through(name, there.collect()).await
    }

    /// The same to the first of these addresses.
    pub async fn user_through(&self, name: &str, addresses: Vec<SocketAddr>) -> Remote {
        let access = access_with_uid(self.world.authority(), name, &access_uid(name));
        let credentials = Credentials::fixed(access);
        // Each of them may die while it is connected to.
        for _ in &addresses {
            let addresses = addresses.clone();
            let open = move || first(addresses.clone());
            if let Ok(remote) = in_time(Remote::connect(&credentials, open)).await {
                return remote;
            }
        }
        panic!("no gateway is alive")
    }

    fn gateway(&self, number: usize, port: u16) -> SocketAddr {
        address(&self.subnet, GATEWAYS + number, port)
    }
}

fn access_uid(user: &str) -> String {
    format!("access-of-{user}")
}

fn address(subnet: &Subnet, host: usize, port: u16) -> SocketAddr {
    let host = u8::try_from(host).expect("few pods and gateways");
    SocketAddr::new(IpAddr::V4(subnet.host(host)), port)
}

async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "no gateway is alive"))
}

/// A pod as the API server tells of it, its ReplicaSet and its node.
fn objects(replica: &Replica) -> [Value; 3] {
    let address: SocketAddr = replica.address.parse().expect("an address");
    let set = format!("{}-5d2b1", replica.workload.name);
    let mut labels = json!({ "prepl.dev/injected": "true" });
    for (key, value) in replica.labels.iter() {
        labels[key] = json!(value);
    }
    let owner = |kind: &str, name: &str| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true }]);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": *replica.id.namespace, "name": *replica.id.name, "uid": *replica.id.uid,
            "labels": labels, "ownerReferences": owner("ReplicaSet", &set),
        },
        "spec": {
            "nodeName": *replica.node,
            "initContainers": [{ "name": "prepl" }],
            "containers": [{ "name": "api", "image": format!("shop/api:{}", replica.version) }],
        },
        "status": { "phase": "Running", "podIP": address.ip().to_string() },
    });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "namespace": *replica.id.namespace, "name": set,
            "ownerReferences": owner("Deployment", &replica.workload.name),
        },
    });
    let labels = json!({ "topology.kubernetes.io/zone": *replica.zone });
    let node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": *replica.node, "labels": labels },
    });
    [pod, set, node]
}
