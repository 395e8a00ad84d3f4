//! The command line of `prepl-sidecar`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use prepl_identity::{Name, NameError, TrustDomain};
use prepl_runtime::log::LogArgs;

use crate::claims::Place;
use crate::endpoint::Repl;
use prepl_runtime::enrol::Enrolment;

/// One replica's end of prepl: passes evaluations to the app's own REPL, and nobody else's
#[derive(Debug, Parser)]
#[command(name = "prepl-sidecar", version, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Logs
    #[command(flatten)]
    pub log: LogArgs,
}

/// What a sidecar does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve one REPL to the fleet
    ///
    /// Runs until SIGTERM or Ctrl-C, and then lets running evaluations end.
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
}

const EXAMPLES: &str = "\
Examples:
  # A Clojure service with nREPL on port 7888
  prepl-sidecar serve --bundle api-1.pem --listen 0.0.0.0:7070 --repl nrepl://127.0.0.1:7888

  # A plain Clojure socket REPL; nothing changes in the app
  prepl-sidecar serve --bundle api-1.pem --repl clojure://127.0.0.1:5555

  # No REPL in the app: the sidecar's own engine, which may read the log folder
  prepl-sidecar serve --bundle api-1.pem --repl rhai: --allow-root /var/log/api";

/// Where a sidecar's certificate comes from: a file, or a cluster's controller.
#[derive(Debug, Default, Args)]
pub struct Source {
    /// Key, certificate and authorities of this replica, as `prepl fleet add` wrote them
    #[arg(long, value_name = "FILE", required_unless_present = "enrol", conflicts_with = "enrol")]
    pub bundle: Option<PathBuf>,

    /// Controller that certifies this pod, in place of --bundle
    #[arg(
        long,
        value_name = "HOST:PORT",
        requires_all = ["pod_uid", "authorities", "trust_domain"]
    )]
    pub enrol: Option<String>,

    /// Service account token of this pod for the audience `prepl`; read at each enrolment
    #[arg(long, value_name = "FILE", default_value = "/var/run/secrets/prepl/token")]
    pub token_file: PathBuf,

    /// Folder in which to keep the authorities that the controller told, across restarts
    #[arg(long, value_name = "DIR", requires = "enrol")]
    pub state: Option<PathBuf>,

    /// UID of this pod
    #[arg(long, value_name = "UID", env = "PREPL_POD_UID")]
    pub pod_uid: Option<String>,

    /// Authorities to trust in the controller, in PEM
    #[arg(long, value_name = "PEM", env = "PREPL_ENROL_AUTHORITIES", hide_env_values = true)]
    pub authorities: Option<String>,

    /// Namespace of this pod
    #[arg(long, value_name = "NAME", env = "PREPL_NAMESPACE", requires = "system_namespace")]
    pub namespace: Option<String>,

    /// Namespace of prepl: access requests there are for all namespaces
    #[arg(long, value_name = "NAME", env = "PREPL_SYSTEM_NAMESPACE")]
    pub system_namespace: Option<String>,

    /// Trust domain of the cluster
    #[arg(long, value_name = "DOMAIN", env = "PREPL_TRUST_DOMAIN")]
    pub trust_domain: Option<TrustDomain>,
}

impl Source {
    /// A bundle file.
    #[must_use]
    pub fn of_bundle(path: PathBuf) -> Source {
        Source { bundle: Some(path), ..Source::default() }
    }

    /// Where the pod is, if it is told.
    pub fn place(&self) -> Option<Place> {
        let (namespace, system) = (self.namespace.clone()?, self.system_namespace.clone()?);
        Some(Place { namespace, system })
    }

    /// Where to enrol, when everything that it needs is given.
    pub fn enrolment(&self) -> Option<Result<Enrolment, NameError>> {
        let (Some(address), Some(uid), Some(authorities), Some(domain)) =
            (&self.enrol, &self.pod_uid, &self.authorities, &self.trust_domain)
        else {
            return None;
        };
        Some(Name::sidecar(domain, uid).map(|name| Enrolment {
            address: address.clone(),
            token_file: self.token_file.clone(),
            name,
            authorities: authorities.clone(),
            state: self.state.clone(),
        }))
    }
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where the certificate comes from
    #[command(flatten)]
    pub source: Source,

    /// Address to listen on for the fleet; mutual TLS only
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:7070")]
    pub listen: SocketAddr,

    /// REPL of the app: nrepl://HOST:PORT or clojure://HOST:PORT on loopback, or rhai:
    ///
    /// With `?read-only=NAMESPACE/NAME` behind it, read-only evaluations run within that function of
    /// the app, which must keep its database from writing.
    #[arg(long, value_name = "URL")]
    pub repl: Repl,

    /// Folder that scripts of `rhai:` may read; may be given several times
    #[arg(long = "allow-root", value_name = "DIR")]
    pub roots: Vec<PathBuf>,
}
