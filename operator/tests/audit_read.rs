//! Who may read a gateway's audit log: the real program, over an API server that is a switch.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::Path;

use prepl_gateway::remote::AuditPart;
use prepl_gateway::{Remote, RemoteFailed};
use prepl_identity::{Bundle, Credentials, KeyRequest, Name, USER_LIFETIME};
use prepl_tests::{Installation, Operator, in_time};
use serde_json::json;
use tokio::net::TcpStream;

const SYSTEM: &str = "prepl-system";

async fn installed() -> (Installation, Operator) {
    let program = Path::new(env!("CARGO_BIN_EXE_prepl-operator"));
    let installation = Installation::of_repls(program, Vec::new()).await;
    let gateway = installation.gateway_ready(1).await;
    (installation, gateway)
}

/// An access of this namespace, and a way to the gateway with it.
async fn user(installation: &Installation, gateway: &Operator, namespace: &str) -> Remote {
    let (name, uid) = ("mira-1", format!("uid-in-{namespace}"));
    installation.api.put(json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
        "metadata": { "namespace": namespace, "name": name, "uid": uid },
        "spec": { "user": { "username": "mira" }, "csr": "", "mode": "Inspect" },
        "status": { "phase": "Active", "notAfter": "2999-01-01T00:00:00Z" },
    }));
    let credentials = Credentials::fixed(bundle(installation, namespace, name, &uid));
    let address = gateway.address;
    let remote = Remote::connect(&credentials, move || TcpStream::connect(address));
    in_time(remote).await.unwrap()
}

fn bundle(installation: &Installation, namespace: &str, name: &str, uid: &str) -> Bundle {
    let (key, authority) = (KeyRequest::new().unwrap(), installation.world.authority());
    let name = Name::access(authority.domain(), namespace, name, uid).unwrap();
    let certificate = authority.sign_for(key.csr_pem(), &name, "mira", USER_LIFETIME).unwrap();
    key.into_bundle(&certificate, authority.certificate_pem()).unwrap()
}

fn is_denied(failed: Option<RemoteFailed>, words: &str) {
    match failed {
        Some(RemoteFailed::Denied(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_is_told_the_log_and_nobody_else() {
    let (installation, gateway) = installed().await;
    let auditor = user(&installation, &gateway, SYSTEM).await;
    let mut files = in_time(auditor.audit(None)).await.unwrap();
    let first = in_time(files.next()).await.unwrap();
    assert!(matches!(first, Some(AuditPart::File(name)) if name.starts_with("audit-")));
    let of_shop = user(&installation, &gateway, "shop").await;
    let refused = in_time(of_shop.audit(None)).await.err();
    is_denied(refused, "this access is of shop alone");
    installation.api.deny("mira");
    // What the API server said is kept for a moment.
    let denied = async {
        loop {
            if let Err(denied) = auditor.audit(None).await {
                return denied;
            }
        }
    };
    is_denied(Some(in_time(denied).await), "may not read the audit log");
}
