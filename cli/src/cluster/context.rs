//! The kubeconfig's choice: which API server, as whom, in which namespace.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use prepl_core::Digest;

use crate::cluster::ClusterArgs;
use crate::problem::Problem;

/// One context of a kubeconfig, ready to be asked.
#[derive(Clone)]
pub struct Cluster {
    /// Asks the API server as the user.
    pub client: Client,
    /// The API server's URL.
    pub server: String,
    /// The user's entry of the kubeconfig, by name and by digest of what it holds: an access of
    /// another credential is another's.
    pub user: String,
    /// The namespace to look in.
    pub namespace: String,
}

impl Cluster {
    /// Reads the kubeconfig, and looks in `namespace`, else in that of the context.
    ///
    /// Asks the API server nothing.
    /// Needs a tokio runtime: an exec plug-in may run.
    pub async fn open(args: &ClusterArgs, namespace: Option<&str>) -> Result<Cluster, Problem> {
        let file = match &args.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let named = args.are_given() || std::env::var_os("KUBECONFIG").is_some();
        let file = file.map_err(|error| if named { unusable(&error) } else { nothing_named() })?;
        let user = entry(&file, &user(&file, args.context.as_deref()));
        let options = KubeConfigOptions { context: args.context.clone(), ..Default::default() };
        let config = Config::from_custom_kubeconfig(file, &options).await;
        let config = config.map_err(|error| unusable(&error))?;
        let server = config.cluster_url.to_string();
        let namespace = namespace.map_or_else(|| config.default_namespace.clone(), str::to_owned);
        let client = Client::try_from(config).map_err(|error| unusable(&error))?;
        Ok(Cluster { client, server, user, namespace })
    }
}

/// There is no kubeconfig, and nobody said that there should be.
fn nothing_named() -> Problem {
    Problem::usage("no fleet named, and there is no kubeconfig").hint(
        "name a fleet's folder with --fleet PATH or PREPL_FLEET, or a cluster with --kubeconfig \
         PATH; make a fleet with: prepl fleet init, or try: prepl demo",
    )
}

fn unusable(error: &dyn std::error::Error) -> Problem {
    let problem = Problem::of(error);
    Problem::failed(format!("cannot use the kubeconfig: {}", problem.message)).hint(
        "name it with --kubeconfig PATH and a context of it with --context NAME, \
         or a fleet's folder with --fleet PATH",
    )
}

/// The user's entry of the named context, else of the current one.
fn user(file: &Kubeconfig, context: Option<&str>) -> String {
    let wanted = context.or(file.current_context.as_deref());
    let found = file.contexts.iter().find(|one| Some(one.name.as_str()) == wanted);
    found.and_then(|one| one.context.as_ref()?.user.clone()).unwrap_or_default()
}

/// Tells a user's entry from every other, also from one of the same name.
fn entry(file: &Kubeconfig, name: &str) -> String {
    let found = file.auth_infos.iter().find(|one| one.name == name);
    let held = found.and_then(|one| serde_json::to_string(&one.auth_info).ok());
    format!("{name} {}", Digest::of(&held.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
current-context: shop
contexts:
- { name: shop, context: { cluster: one, user: mira } }
- { name: bank, context: { cluster: one } }
";

    #[test]
    fn another_credential_is_another_user() {
        let with = |token: &str| {
            let users = format!("users:\n- {{ name: mira, user: {{ token: {token} }} }}\n");
            entry(&Kubeconfig::from_yaml(&format!("{TWO}{users}")).unwrap(), "mira")
        };
        assert_eq!(with("a"), with("a"));
        assert_ne!(with("a"), with("b"));
        assert!(!with("secret-token").contains("secret-token"));
    }

    #[test]
    fn the_user_is_that_of_the_context() {
        let file = Kubeconfig::from_yaml(TWO).unwrap();
        assert_eq!(user(&file, None), "mira");
        assert_eq!(user(&file, Some("shop")), "mira");
        assert_eq!(user(&file, Some("bank")), "");
        assert_eq!(user(&file, Some("no such context")), "");
    }
}
