//! A stream of bytes to a gateway: through the API server, or straight.

use std::hash::{BuildHasher as _, RandomState};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::cluster::ClusterArgs;
use crate::cluster::api_error::refused;
use crate::cluster::context::Cluster;
use crate::problem::Problem;

/// The port on which a gateway's pod serves.
const PORT: u16 = 7071;

const LABELS: &str = "app.kubernetes.io/name=prepl,app.kubernetes.io/component=gateway";

/// What TLS to a gateway goes over.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// Opens a stream to the gateway that the flags name, else to one that is ready.
pub async fn open(cluster: &Cluster, args: &ClusterArgs) -> Result<Box<dyn Duplex>, Problem> {
    match &args.gateway {
        Some(address) => Ok(Box::new(straight(address).await?)),
        None => forwarded(cluster, &args.operator_namespace).await,
    }
}

async fn straight(address: &str) -> Result<TcpStream, Problem> {
    let stream = TcpStream::connect(address).await;
    // Without it a question may wait for the acknowledgement of what was sent before.
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|error| {
        Problem::failed(format!("cannot reach the gateway at {address}: {error}"))
            .hint("name another one with --gateway HOST:PORT, or leave the flag out")
    })
}

/// One gateway among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// The one that the flags name, by its address.
    Address(String),
    /// A pod.
    Pod {
        /// Its name.
        name: String,
        /// Whether it serves.
        ready: bool,
    },
}

/// All gateways that there are, in the order of their names.
pub async fn gateways(cluster: &Cluster, args: &ClusterArgs) -> Result<Vec<Gateway>, Problem> {
    if let Some(address) = &args.gateway {
        return Ok(vec![Gateway::Address(address.clone())]);
    }
    let found = pods(cluster, &args.operator_namespace).await?;
    let mut all: Vec<_> =
        found.iter().filter_map(|pod| Some((pod.metadata.name.clone()?, is_ready(pod)))).collect();
    all.sort_unstable();
    match all.is_empty() {
        true => Err(no_gateway(&args.operator_namespace)),
        false => Ok(all.into_iter().map(|(name, ready)| Gateway::Pod { name, ready }).collect()),
    }
}

/// Opens a stream to this gateway and no other.
pub async fn open_to(
    cluster: &Cluster,
    args: &ClusterArgs,
    gateway: &Gateway,
) -> Result<Box<dyn Duplex>, Problem> {
    match gateway {
        Gateway::Address(address) => Ok(Box::new(straight(address).await?)),
        Gateway::Pod { name, .. } => forward(cluster, &args.operator_namespace, name).await,
    }
}

async fn pods(cluster: &Cluster, namespace: &str) -> Result<Vec<Pod>, Problem> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let found = pods.list(&ListParams::default().labels(LABELS)).await;
    Ok(found.map_err(|error| no_way("find a gateway", &error, namespace))?.items)
}

async fn forwarded(cluster: &Cluster, namespace: &str) -> Result<Box<dyn Duplex>, Problem> {
    let found = pods(cluster, namespace).await?;
    let ready: Vec<_> = found.iter().filter(|pod| is_ready(pod)).collect();
    let name = any(&ready).and_then(|pod| pod.metadata.name.as_deref());
    forward(cluster, namespace, name.ok_or_else(|| no_gateway(namespace))?).await
}

async fn forward(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<Box<dyn Duplex>, Problem> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let forward = pods.portforward(name, &[PORT]).await;
    let mut forward =
        forward.map_err(|error| no_way("forward a port to a gateway", &error, namespace))?;
    // The port that was just asked for is there to be taken once.
    let stream = forward.take_stream(PORT).ok_or_else(|| no_gateway(namespace))?;
    Ok(Box::new(stream))
}

/// The right to reach a gateway is another than those on workloads.
fn no_way(doing: &str, error: &kube::Error, namespace: &str) -> Problem {
    let problem = refused(doing, error);
    match error {
        kube::Error::Api(status) if status.code == 403 => problem.hint(format!(
            "ask for the Role prepl-connect: kubectl -n {namespace} create rolebinding NAME \
             --role prepl-connect --user YOU; or name a gateway with --gateway HOST:PORT"
        )),
        _ => problem,
    }
}

/// One of them by chance: users spread over the gateways, and a second try finds another one.
fn any<T: Copy>(all: &[T]) -> Option<T> {
    let number = RandomState::new().hash_one(0) as usize;
    all.get(number.checked_rem(all.len())?).copied()
}

fn no_gateway(namespace: &str) -> Problem {
    Problem::failed(format!("no gateway is ready in namespace {namespace}")).hint(
        "install the chart, name its namespace with --operator-namespace, \
         or name a gateway with --gateway HOST:PORT",
    )
}

/// Whether a pod says that it is ready, and is not on its way out.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.into_iter().any(|one| one.type_ == "Ready" && one.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(value: serde_json::Value) -> Pod {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_a_ready_pod_that_stays_is_chosen() {
        let status = |word| json!({ "conditions": [{ "type": "Ready", "status": word }] });
        assert!(is_ready(&pod(json!({ "metadata": {}, "status": status("True") }))));
        assert!(!is_ready(&pod(json!({ "metadata": {}, "status": status("False") }))));
        assert!(!is_ready(&pod(json!({ "metadata": {} }))));
        let leaving = json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
        assert!(!is_ready(&pod(json!({ "metadata": leaving, "status": status("True") }))));
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_there_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(straight(&address).await.is_ok());
        drop(listener);
        let problem = straight(&address).await.unwrap_err();
        assert!(problem.message.contains(&address), "{problem}");
    }
}
