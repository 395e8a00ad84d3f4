//! A cluster of three apps, those who ask them, and gateways that die where they are told to.

use std::path::{Path, PathBuf};

use prepl_core::RequestId;
use prepl_gateway::{self as gateway, Plan, Remote, RemoteFailed};
use prepl_proto::convert::tunnel::Carried;
use prepl_tests::{Asked, Diary, Installation, Operator, Running, in_time, plan};
use serde_json::json;

/// Who may.
pub const ALLOWED: &str = "mira";
/// Who has no right.
pub const NO_RIGHT: &str = "eve";
/// Evaluations that a policy denies to everybody begin so.
pub const FORBIDDEN: &str = "(forbidden";
const APPS: usize = 3;

/// The cluster.
pub struct Stage {
    pub installation: Installation,
    pub apps: Vec<Diary>,
}

/// What a client asked, and what he was told of it.
pub struct Seen {
    pub plan: Plan,
    pub told: Result<Asked, RemoteFailed>,
}

/// What a client evaluated through a tunnel, and whether he got an answer.
pub struct Tunnel {
    pub request: RequestId,
    pub code: String,
    pub told: Result<bool, RemoteFailed>,
}

impl Stage {
    pub async fn new() -> Stage {
        let mut apps = Vec::new();
        for _ in 0..APPS {
            apps.push(Diary::start().await);
        }
        let program = Path::new(env!("CARGO_BIN_EXE_prepl-operator"));
        let addresses: Vec<_> = apps.iter().map(|app| app.address).collect();
        let installation = Installation::of(program, &addresses).await;
        [ALLOWED, NO_RIGHT].iter().for_each(|user| installation.admit(user));
        installation.api.deny(NO_RIGHT);
        installation.api.put(json!({
            "apiVersion": "prepl.dev/v1alpha1", "kind": "ClusterReplPolicy",
            "metadata": { "name": "nothing-forbidden" },
            "spec": {
                "ceilings": { "mode": "Attach" },
                "expressions": { "deny": [{ "regex": "^\\(forbidden" }] },
            },
        }));
        Stage { installation, apps }
    }

    /// Starts a gateway that dies at a point; it may be there already.
    pub fn start_dying(&self, number: usize, point: &str) -> Operator {
        let mut command = self.installation.command(number);
        command.env(prepl_fault::VARIABLE, point);
        self.installation.start(number, command)
    }

    pub fn audit(&self, gateway: usize) -> PathBuf {
        self.installation.audit(gateway)
    }

    /// Asks all three by the first of these gateways that answers, and goes on at the next.
    pub async fn ask(&self, user: &str, gateways: &[usize], plan: Plan) -> Seen {
        self.ask_by(&self.installation.user(user, gateways).await, plan).await
    }

    /// Asks all three by this way.
    pub async fn ask_by(&self, remote: &Remote, plan: Plan) -> Seen {
        let selection = self.installation.world.selection();
        let told = match Running::try_begin_at(remote, &selection, &plan).await {
            Ok(run) => Ok(run.finish().await),
            Err(failed) => Err(failed),
        };
        Seen { plan, told }
    }

    /// One who may, one who has no right and one against a policy, at the same time.
    pub async fn ask_together(&self, gateways: &[usize], name: &str) -> [Seen; 3] {
        tokio::join!(
            self.ask(ALLOWED, gateways, plan(&format!("(book! {name})"))),
            self.ask(NO_RIGHT, gateways, plan(&format!("(steal! {name})"))),
            self.ask(ALLOWED, gateways, plan(&format!("{FORBIDDEN} {name})"))),
        )
        .into()
    }

    /// Asks all three for something that reads this.
    pub async fn ask_reading(&self, gateways: &[usize], plan: Plan, input: &str) -> Seen {
        let remote = self.installation.user(ALLOWED, gateways).await;
        let plan = Plan { interactive: true, ..plan };
        let selection = self.installation.world.selection();
        let told = match Running::try_begin_at(&remote, &selection, &plan).await {
            Ok(run) => {
                run.input(input, true).await.unwrap();
                Ok(run.finish().await)
            }
            Err(failed) => Err(failed),
        };
        Seen { plan, told }
    }

    /// Opens a tunnel to the first app, evaluates something through it, and lets it go. A user has
    /// few of them at a time.
    pub async fn evaluate_through_tunnel(&self, user: &str, gateways: &[usize]) -> Tunnel {
        self.installation.admit(user);
        let remote = self.installation.user(user, gateways).await;
        let request = plan("a name of its own").request;
        let uid = self.installation.world.replicas()[0].id.uid.to_string();
        let code = format!("(through {user})");
        let told = match in_time(remote.attach(request, &uid)).await {
            Ok(mut tunnel) => Ok(evaluate_through(&mut tunnel, &code).await.is_ok()),
            Err(failed) => Err(failed),
        };
        Tunnel { request, code, told }
    }

    /// An open tunnel to the first app.
    pub async fn tunnel(&self, number: usize) -> gateway::Tunnel {
        let remote = self.installation.user(ALLOWED, &[number]).await;
        let request = plan("a name of its own").request;
        let uid = self.installation.world.replicas()[0].id.uid.to_string();
        in_time(remote.attach(request, &uid)).await.unwrap()
    }

    /// Asks the sidecars what became of a request, and has nothing run.
    pub async fn recall(&self, gateway: usize, seen: &Seen) -> Seen {
        let plan = Plan { recall: true, ..seen.plan.clone() };
        self.ask(ALLOWED, &[gateway], plan).await
    }
}

/// Has nREPL evaluate this, until something comes back or the tunnel is cut.
pub async fn evaluate_through(tunnel: &mut gateway::Tunnel, code: &str) -> Result<(), String> {
    let message = format!("d4:code{}:{code}2:op4:evale", code.len());
    // What comes down tells why a tunnel is gone.
    let _ = tunnel.up.send(Carried::Data(message.into())).await;
    match in_time(tunnel.down.next()).await {
        Some(Ok(Carried::Data(_))) => Ok(()),
        Some(Err(broke)) => Err(broke.to_string()),
        other => panic!("{other:?} of a REPL that goes on"),
    }
}
