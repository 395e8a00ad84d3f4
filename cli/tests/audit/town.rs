//! A cluster that is an API server, gateways that tell logs, and a controller that grants access.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use prepl_audit::{Checkpoint, Moment, SigningKey, Tail};
use prepl_identity::{Authority, Credentials, Name, USER_LIFETIME};
use prepl_tests::api_server::ApiServer;
use prepl_tests::teller::{Tale, Teller};
use prepl_tests::{Cluster, World};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// Between two looks of the controller.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const SYSTEM: &str = "prepl-system";

pub struct Town {
    runtime: Runtime,
    pub cluster: Cluster,
    pub api: Arc<ApiServer>,
    kubeconfig: PathBuf,
    /// Where whatever is fetched goes.
    pub temporary: TempDir,
}

impl Town {
    /// A town with so many real gateways.
    pub fn of(gateways: usize) -> Town {
        let runtime = Runtime::new().unwrap();
        let (cluster, api) = runtime.block_on(async {
            let cluster = Cluster::of(World::of_rhai(2).await, gateways);
            (cluster, Arc::new(ApiServer::start().await))
        });
        let kubeconfig = api.write_kubeconfig(cluster.world.path());
        let authority = Authority::parse(&cluster.world.authority().secret_pem()).unwrap();
        runtime.spawn(grant(Arc::clone(&api), authority));
        Town { runtime, cluster, api, kubeconfig, temporary: tempfile::tempdir().unwrap() }
    }

    /// The user's way to the API server.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Does something on the town's threads.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Evaluates something through the first gateway.
    pub fn evaluate(&self, expression: &str) {
        self.block_on(async {
            let mira = self.cluster.user("mira").await;
            let (selection, plan) = (self.cluster.world.selection(), prepl_tests::plan(expression));
            prepl_tests::Asked::ask_at(&mira, &selection, &plan).await;
        });
    }

    /// A gateway that tells a tale.
    pub fn teller(&self, tale: Tale) -> Teller {
        let credentials = Credentials::fixed(self.cluster.gateway_bundle("teller"));
        self.runtime.block_on(Teller::start(&credentials, tale))
    }

    /// `prepl audit` over the gateway at this address.
    pub fn command(&self, gateway: SocketAddr, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("KUBECONFIG", self.kubeconfig()).stdin(Stdio::null());
        command.env("TMPDIR", self.temporary.path()).arg("audit").args(args);
        command.arg("--gateway").arg(gateway.to_string());
        command
    }

    pub fn audit(&self, gateway: SocketAddr, args: &[&str]) -> Output {
        self.command(gateway, args).output().unwrap()
    }

    /// Files and folders that were fetched and not removed.
    pub fn left_over(&self) -> usize {
        std::fs::read_dir(self.temporary.path()).unwrap().count()
    }

    /// What the controller would have signed of a log's end.
    pub fn anchor(&self, tail: Tail, key: &SigningKey) -> Value {
        let signed = key.sign(Checkpoint::of(tail, Moment::from_millis(0)));
        let head = json!({ "seq": tail.seq, "hash": tail.hash.to_string(), "time": "" });
        json!({
            "apiVersion": "prepl.dev/v1alpha1", "kind": "AuditCheckpoint",
            "metadata": { "namespace": SYSTEM, "name": tail.chain.to_string() },
            "spec": { "pod": "prepl-gateway-0", "head": head },
            "status": { "key": key.public().to_string(), "checkpoints": [signed] },
        })
    }
}

/// Grants every access request, for ever.
async fn grant(api: Arc<ApiServer>, authority: Authority) {
    loop {
        for mut request in api.objects("accessrequests") {
            if request["status"].is_null() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let metadata = &request["metadata"];
                let [space, name, uid] =
                    ["namespace", "name", "uid"].map(|key| text(&metadata[key]));
                let name = Name::access(authority.domain(), &space, &name, &uid).unwrap();
                let csr = text(&request["spec"]["csr"]);
                let given = authority.sign_for(&csr, &name, "mira", USER_LIFETIME).unwrap();
                request["status"] = json!({
                    "phase": "Active", "certificate": given,
                    "authorities": authority.certificate_pem(),
                });
                request["kind"] = json!("AccessRequest");
                api.put(request);
            }
        }
        sleep(LOOK_EVERY).await;
    }
}
