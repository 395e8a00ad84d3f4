//! A world with gateways that can be killed, and the people who ask them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prepl_gateway::{Remote, RemoteFailed};
use prepl_identity::{
    Authority, Bundle, Connector, Credentials, Expected, HandshakeFailed, KeyRequest,
    MEMBER_LIFETIME, Name, USER_LIFETIME,
};
use prepl_proto::v1::gateway_client::GatewayClient;
use prepl_sidecar::endpoint::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};
use tonic::transport::Channel;
use tower::service_fn;

use crate::app::App;
use crate::gateway::ClusterGateway;
use crate::{Records, World, in_time};

/// Far more than a runtime takes to end.
const KILL: Duration = Duration::from_secs(60);

/// A world and its gateways.
pub struct Cluster {
    /// The replicas.
    pub world: World,
    gateways: Vec<Running>,
    /// Where a gateway answers, in the order in which they are tried.
    alive: Alive,
    rights: watch::Sender<bool>,
}

type Alive = Arc<Mutex<Vec<SocketAddr>>>;

/// A gateway in a runtime of its own: all of it dies at one moment.
struct Running {
    address: SocketAddr,
    runtime: Option<Runtime>,
    runs: watch::Receiver<usize>,
    records: Records,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Cluster {
    /// A world with so many gateways.
    pub fn of(world: World, gateways: usize) -> Cluster {
        let rights = watch::channel(true).0;
        let mut cluster = Cluster { world, gateways: Vec::new(), alive: Alive::default(), rights };
        (0..gateways).for_each(|_| cluster.start_gateway());
        cluster
    }

    /// A cluster with one replica for each app.
    pub async fn of_apps(apps: &[App], gateways: usize) -> Cluster {
        let mut world = World::new();
        for app in apps {
            world.add(Endpoint::Nrepl(app.address)).await;
        }
        Cluster::of(world, gateways)
    }

    /// Starts one more gateway, which is tried last.
    pub fn start_gateway(&mut self) {
        let name = format!("gateway-{}", self.gateways.len() + 1);
        let credentials = Credentials::fixed(self.gateway_bundle(&name));
        let (counts, runs) = watch::channel(0);
        let records = Records::in_folder(self.world.path().join("records").join(&name));
        let gateway = ClusterGateway::new(
            &credentials,
            self.world.replicas(),
            self.rights.subscribe(),
            counts,
            records.clone(),
        );
        let running = Running::start(gateway, credentials, runs, records);
        self.alive.lock().expect("a lock").push(running.address);
        self.gateways.push(running);
    }

    /// Has users try this address too, after the others.
    pub fn add_gateway_at(&self, address: SocketAddr) {
        self.alive.lock().expect("a lock").push(address);
    }

    /// Where a gateway listens.
    pub fn address(&self, gateway: usize) -> SocketAddr {
        self.gateways[gateway].address
    }

    /// How many runs a gateway has taken.
    pub fn runs(&self, gateway: usize) -> usize {
        *self.gateways[gateway].runs.borrow()
    }

    /// Waits until a gateway has taken a run.
    pub async fn until_run(&self, gateway: usize) {
        let mut runs = self.gateways[gateway].runs.clone();
        in_time(runs.wait_for(|runs| *runs > 0)).await.map(drop).expect("a gateway that runs");
    }

    /// Ends a gateway as a lost machine does: at once, with all of its connections.
    pub async fn kill(&mut self, gateway: usize) {
        let Running { address, runtime, .. } = &mut self.gateways[gateway];
        self.alive.lock().expect("a lock").retain(|alive| alive != address);
        let runtime = runtime.take().expect("a gateway that runs");
        let killed = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(KILL));
        killed.await.expect("a gateway that ends");
    }

    /// Tells a gateway to end in good order.
    pub fn stop(&mut self, gateway: usize) {
        let Running { address, stop, .. } = &mut self.gateways[gateway];
        self.alive.lock().expect("a lock").retain(|alive| alive != address);
        stop.take().expect("it is told once").send(()).expect("a gateway that runs");
    }

    /// Waits until a gateway that was told to has ended.
    pub async fn until_ended(&mut self, gateway: usize) {
        let ended = self.gateways[gateway].ended.take().expect("it ends once");
        in_time(ended).await.expect("it ended well");
    }

    /// Ends the log of a gateway: it takes no more.
    pub async fn close_log(&self, gateway: usize) {
        let recorder = self.gateways[gateway].records.recorder().await;
        in_time(recorder.log().close()).await.expect("a log that is written");
    }

    /// Takes everybody's right away.
    pub fn deny(&self) {
        self.rights.send_replace(false);
    }

    /// The bundle of a gateway.
    pub fn gateway_bundle(&self, name: &str) -> Bundle {
        let authority = self.world.authority();
        let name = Name::gateway(authority.domain(), name).expect("a good name");
        authority.issue(&name, MEMBER_LIFETIME).expect("a certificate")
    }

    /// The bundle of a user's access.
    pub fn access(&self, user: &str) -> Bundle {
        let authority = self.world.authority();
        access(authority, user)
    }

    /// A user's way to whichever gateway is alive.
    pub async fn user(&self, name: &str) -> Remote {
        self.connect(self.access(name)).await.expect("a gateway")
    }

    /// The same with any bundle.
    pub async fn connect(&self, bundle: Bundle) -> Result<Remote, RemoteFailed> {
        let alive = Arc::clone(&self.alive);
        let open = move || {
            let first = alive.lock().expect("a lock").first().copied();
            async move {
                let none = || io::Error::new(io::ErrorKind::NotFound, "no gateway is alive");
                TcpStream::connect(first.ok_or_else(none)?).await
            }
        };
        in_time(Remote::connect(&Credentials::fixed(bundle), open)).await
    }

    /// A user's client that does what it likes with the first gateway.
    pub async fn raw(&self, user: &str) -> GatewayClient<Channel> {
        let connector = Connector::new(&Credentials::fixed(self.access(user)));
        let expected = Expected::Gateway(self.world.authority().domain().clone());
        let address = self.address(0);
        let connect = service_fn(move |_| {
            let (connector, expected) = (connector.clone(), expected.clone());
            async move {
                let stream = TcpStream::connect(address).await.map_err(HandshakeFailed::from)?;
                connector.connect_as(stream, &expected).await.map(TokioIo::new)
            }
        });
        let endpoint = Channel::from_static("http://gateway");
        GatewayClient::new(endpoint.connect_with_connector(connect).await.expect("a gateway"))
    }
}

impl Running {
    fn start(
        gateway: ClusterGateway,
        credentials: Credentials,
        runs: watch::Receiver<usize>,
        records: Records,
    ) -> Running {
        // With one thread nothing runs on while its death is under way.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        socket.set_nonblocking(true).expect("a socket");
        let address = socket.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let (ends, ended) = oneshot::channel();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(socket).expect("a listener");
            let stopped = async {
                if stopped.await.is_err() {
                    std::future::pending().await
                }
            };
            gateway.serve(listener, &credentials, stopped).await.expect("a serving gateway");
            // Most tests do not wait for it.
            let _ = ends.send(());
        });
        Running {
            address,
            runtime: Some(runtime),
            runs,
            records,
            stop: Some(stop),
            ended: Some(ended),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The bundle of the access of a user.
pub fn access(authority: &Authority, user: &str) -> Bundle {
    access_with_uid(authority, user, "u1")
}

/// The same of an access request with this UID.
pub fn access_with_uid(authority: &Authority, user: &str, uid: &str) -> Bundle {
    let key = KeyRequest::new().expect("a key");
    let name = Name::access(authority.domain(), "shop", user, uid).expect("a good name");
    let certificate = authority.sign_for(key.csr_pem(), &name, user, USER_LIFETIME);
    key.into_bundle(&certificate.expect("a certificate"), authority.certificate_pem())
        .expect("a bundle")
}
