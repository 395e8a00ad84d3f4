//! The arguments of `gateway`; the chart sets the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use prepl_identity::TrustDomain;

/// Arguments of `gateway`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The installation's name in certificates
    #[arg(
        long,
        value_name = "DOMAIN",
        env = "PREPL_TRUST_DOMAIN",
        default_value = "prepl.cluster"
    )]
    pub trust_domain: TrustDomain,
    /// Namespace of the gateway: an access request there is one for all namespaces
    #[arg(long, value_name = "NAME", env = "PREPL_NAMESPACE", default_value = "prepl-system")]
    pub namespace: String,
    /// Controller that certifies this pod
    #[arg(long, value_name = "HOST:PORT", env = "PREPL_ENROL_ADDRESS")]
    pub enrol_address: String,
    /// Service account token of this pod for the audience `prepl`; read at each enrolment
    #[arg(long, value_name = "FILE", default_value = "/var/run/secrets/prepl/token")]
    pub token_file: PathBuf,
    /// Authorities to trust in the controller, in PEM
    #[arg(long, value_name = "FILE", default_value = "/etc/prepl/authorities.pem")]
    pub authorities_file: PathBuf,
    /// This pod's UID
    #[arg(long, value_name = "UID", env = "PREPL_POD_UID")]
    pub pod_uid: String,
    /// This pod's name, under which it tells the controller the end of its audit log
    #[arg(long, value_name = "NAME", env = "PREPL_POD_NAME")]
    pub pod_name: String,
    /// How long runs may go on when the gateway is told to end, in seconds: 1 to 3,600
    #[arg(long, value_name = "SECONDS", env = "PREPL_DRAIN", default_value = "50", value_parser = drain)]
    pub drain: Duration,
    /// Folder of the audit log, which is this gateway's alone
    #[arg(
        long,
        value_name = "FOLDER",
        env = "PREPL_AUDIT_FOLDER",
        default_value = "/var/lib/prepl/audit"
    )]
    pub audit_folder: PathBuf,
    /// Most bytes of the audit log; its oldest files are deleted beyond
    #[arg(long, value_name = "BYTES", env = "PREPL_AUDIT_KEEP_BYTES", default_value_t = 8 << 30)]
    pub audit_keep_bytes: u64,
    /// Where users connect
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:7071")]
    pub listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics listen
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:8080")]
    pub admin_listen: SocketAddr,
}

fn drain(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "write seconds, 1 to 3600".to_owned())
}
