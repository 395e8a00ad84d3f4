//! The installation's authorities: one Secret, which the controllers alone read, and what the rest
//! of the cluster is told of it.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use prepl_identity::{Credentials, IssueError, Name};
use serde_json::json;
use tokio::sync::watch;
use tokio::time;

use super::rotation::{Step, next_step};
use super::settings::Args;
use super::trust::{Authorities, BadSecret, NotChanged, SECRET, Trust, after, first, read, stage};

/// The public certificates, for the gateways.
const CONFIG_MAP: &str = "prepl-authorities";
const CONFIG_MAP_KEY: &str = "authorities.pem";
/// The webhook configuration that the API server reads, and its one webhook.
const WEBHOOK: &str = "prepl-injector";
const WEBHOOK_NAME: &str = "inject.prepl.dev";
/// Who writes.
pub(super) const MANAGER: &str = "prepl-controller";
/// How often the Secret is read, and what was published compared.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the controller has no authority, or cannot tell of it.
#[derive(Debug, thiserror::Error)]
pub enum NoAuthority {
    /// The API server refused.
    #[error("cannot use the cluster's objects for the authority; check the controller's rights")]
    Cluster(#[from] kube::Error),
    /// The API server did not answer.
    #[error("the API server did not answer in time")]
    TooSlow(#[from] time::error::Elapsed),
    /// The Secret is damaged.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// A step of a change cannot be taken.
    #[error("the authority cannot be replaced")]
    NotChanged(#[from] NotChanged),
    /// No authority could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// Reads the installation's authorities, or creates the first, and tells the cluster.
pub async fn establish(client: &Client, args: &Args) -> Result<Arc<Trust>, NoAuthority> {
    let trust = time::timeout(PATIENCE, look(client, args)).await??;
    time::timeout(PATIENCE, publish(client, args, &trust)).await??;
    Ok(trust)
}

/// Follows the Secret for ever: takes the next step of a change when its time has come, tells
/// `trust`, and repairs what was published.
pub async fn keep(client: &Client, args: &Args, trust: &watch::Sender<Arc<Trust>>) {
    loop {
        time::sleep(LOOK_EVERY).await;
        match establish(client, args).await {
            Ok(seen) => {
                trust.send_if_modified(|known| {
                    let changed = known.anchors != seen.anchors;
                    *known = seen;
                    changed
                });
            }
            Err(error) => {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the authorities stay as they were");
            }
        }
    }
}

async fn look(client: &Client, args: &Args) -> Result<Arc<Trust>, NoAuthority> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &args.namespace);
    let secret = match secrets.get_opt(SECRET).await? {
        Some(found) => found,
        None => created(&secrets, args).await?,
    };
    let trust = read(&secret, &args.trust_domain)?;
    let now = Timestamp::now();
    let step = next_step(stage(&secret, &trust)?, args.certificate_lifetime, now);
    if step == Step::Wait {
        return Ok(Arc::new(trust));
    }
    let changed = after(secret, step, now)?;
    match secrets.replace(SECRET, &PostParams::default(), &changed).await {
        Ok(changed) => {
            tracing::info!(?step, "the authority is being replaced");
            Ok(Arc::new(read(&changed, &args.trust_domain)?))
        }
        // Another controller took the step: it is seen the next time.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Arc::new(trust)),
        Err(error) => Err(error.into()),
    }
}

/// Of two that create it one wins.
async fn created(secrets: &Api<Secret>, args: &Args) -> Result<Secret, NoAuthority> {
    match secrets.create(&PostParams::default(), &first(&args.trust_domain)?).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(secrets.get(SECRET).await?),
        created => Ok(created?),
    }
}

/// Tells the API server and the gateways whom to trust.
async fn publish(client: &Client, args: &Args, trust: &Trust) -> Result<(), NoAuthority> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &args.namespace);
    let map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP},
        "data": {CONFIG_MAP_KEY: trust.anchors},
    });
    let params = PatchParams::apply(MANAGER).force();
    maps.patch(CONFIG_MAP, &params, &Patch::Apply(map)).await?;
    trust_webhook(client, trust).await
}

/// Also after the object was made anew: without it the API server does not believe the webhook.
async fn trust_webhook(client: &Client, trust: &Trust) -> Result<(), NoAuthority> {
    let hooks: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let Some(hook) = hooks.get_opt(WEBHOOK).await? else {
        tracing::warn!("there is no MutatingWebhookConfiguration {WEBHOOK}: nothing is injected");
        return Ok(());
    };
    let bundle = ByteString(trust.anchors.as_bytes().to_vec());
    let webhooks = hook.webhooks.iter().flatten();
    if webhooks.into_iter().all(|one| one.client_config.ca_bundle.as_ref() == Some(&bundle)) {
        return Ok(());
    }
    let change =
        json!({"webhooks": [{"name": WEBHOOK_NAME, "clientConfig": {"caBundle": bundle}}]});
    hooks.patch(WEBHOOK, &PatchParams::default(), &Patch::Strategic(change)).await?;
    Ok(())
}

/// The controller's own certificate, for the webhook's DNS name and for sidecars.
pub fn serving(trust: &Trust, args: &Args, name: &Name) -> Result<Credentials, IssueError> {
    let bundle = trust.signing.issue_server(name, &dns_names(args), args.certificate_lifetime)?;
    Ok(Credentials::fixed(bundle))
}

fn dns_names(args: &Args) -> [String; 1] {
    [format!("prepl-controller.{}.svc", args.namespace)]
}

/// Renews the controller's own certificate for ever: at half of its life, and when the authority
/// changes; a failure is tried again in a minute.
pub async fn renew(
    mut authorities: Authorities,
    args: &Args,
    name: &Name,
    credentials: &Credentials,
) {
    let mut pause = args.certificate_lifetime / 2;
    loop {
        tokio::select! {
            () = time::sleep(pause) => {}
            () = authorities.changed() => {}
        }
        let trust = authorities.current();
        let issued = trust.signing.issue_server(name, &dns_names(args), args.certificate_lifetime);
        pause = match issued.map(|bundle| credentials.replace(bundle)) {
            Ok(()) => args.certificate_lifetime / 2,
            Err(error) => {
                tracing::error!(%error, "the controller's own certificate was not renewed");
                Duration::from_secs(60)
            }
        };
    }
}
