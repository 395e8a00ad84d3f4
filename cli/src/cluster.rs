//! A cluster in place of a fleet's folder: who the user is there, and his way to a gateway.
//!
//! Reading order: [`context`] the kubeconfig's choice · [`refused`] what the API server's errors
//! mean · [`rights`] who the user is and what he may do · [`access`] the access request · [`keep`]
//! its certificate between commands · [`forward`] a stream to a gateway.

pub mod access;
pub mod context;
pub mod forward;
pub mod keep;
pub mod refused;
pub mod rights;

use std::path::PathBuf;

use clap::Args;

/// Flags that name a cluster; the same for every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which cluster")]
pub struct ClusterArgs {
    /// Context of the kubeconfig; without it, the current one
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig; without it, KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// Reach the gateway here rather than through the API server
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub gateway: Option<String>,
    /// Namespace that prepl is installed in
    #[arg(long, global = true, default_value = "prepl-system", value_name = "NAME")]
    pub operator_namespace: String,
}
