//! The arguments of `controller`; the chart sets the environment.

use std::net::SocketAddr;
use std::time::Duration;

use prepl_identity::TrustDomain;
use serde_json::Value;

/// Arguments of `controller`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Image of the sidecars
    #[arg(long, value_name = "IMAGE")]
    pub sidecar_image: String,
    /// What a sidecar may use, as a container's `resources` in JSON
    #[arg(long, value_name = "JSON", env = "PREPL_SIDECAR_RESOURCES", default_value = RESOURCES, value_parser = json)]
    pub sidecar_resources: Value,
    /// The installation's name in certificates
    #[arg(
        long,
        value_name = "DOMAIN",
        env = "PREPL_TRUST_DOMAIN",
        default_value = "prepl.cluster"
    )]
    pub trust_domain: TrustDomain,
    /// Namespace of the controller and its gateways
    #[arg(long, value_name = "NAME", env = "PREPL_NAMESPACE", default_value = "prepl-system")]
    pub namespace: String,
    /// Where sidecars reach the enrolment of all controllers
    #[arg(long, value_name = "IP:PORT", env = "PREPL_ENROL_ADDRESS")]
    pub enrol_address: SocketAddr,
    /// How long certificates of pods are valid, in seconds: 60 to 86,400
    #[arg(long = "certificate-lifetime", value_name = "SECONDS", env = "PREPL_CERTIFICATE_LIFETIME", default_value = "3600", value_parser = lifetime)]
    pub certificate_lifetime: Duration,
    /// This pod's UID
    #[arg(long, value_name = "UID", env = "PREPL_POD_UID")]
    pub pod_uid: String,
    /// Where the injection webhook listens
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:9443")]
    pub webhook_listen: SocketAddr,
    /// Where enrolment listens
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:7072")]
    pub enrol_listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics listen
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:8080")]
    pub admin_listen: SocketAddr,
}

/// Requests and limits of both kinds: quotas may demand them.
const RESOURCES: &str =
    r#"{"requests":{"cpu":"10m","memory":"32Mi"},"limits":{"cpu":"500m","memory":"128Mi"}}"#;

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (60..=86_400).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "write seconds, 60 to 86400".to_owned())
}
