//! A cluster in place of a fleet's folder: who the user is there, and his way to a gateway.
//!
//! Reading order: [`context`] the kubeconfig's choice · [`api_error`] what the API server's errors
//! mean · [`rights`] who the user is and what he may do · [`access`] the access request · [`cache`]
//! its certificate between commands · [`dial`] a stream to a gateway · [`fleet`] the replicas
//! behind it · [`injection`] which pods have sidecars · [`requests`] what others ask for, and what
//! is said to it.

pub mod access;
pub mod api_error;
pub mod cache;
pub mod context;
pub mod dial;
pub mod fleet;
pub mod injection;
pub mod requests;
pub mod rights;

use std::path::PathBuf;

use clap::Args;

/// Flags that name a cluster; the same for every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which cluster")]
pub struct ClusterArgs {
    /// Context of the kubeconfig; without it, the current one
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "fleet")]
    pub context: Option<String>,
    /// The kubeconfig; without it, KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "fleet")]
    pub kubeconfig: Option<PathBuf>,
    /// Reach the gateway here rather than through the API server
    #[arg(long, global = true, value_name = "HOST:PORT", conflicts_with = "fleet")]
    pub gateway: Option<String>,
    /// Namespace that prepl is installed in
    #[arg(long, global = true, default_value = "prepl-system", value_name = "NAME")]
    pub operator_namespace: String,
}

impl ClusterArgs {
    /// Whether a flag chooses a cluster, so that PREPL_FLEET does not count.
    pub fn are_given(&self) -> bool {
        self.context.is_some() || self.kubeconfig.is_some() || self.gateway.is_some()
    }
}
