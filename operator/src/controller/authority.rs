//! The installation's certificate authority: one Secret, which the controllers alone read.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use prepl_identity::{Authority, AuthorityProblem, Credentials, IssueError, Name, TrustDomain};
use serde_json::json;
use tokio::time;

use super::settings::Args;

/// The Secret, and its key.
const SECRET: &str = "prepl-authority";
const SECRET_KEY: &str = "authority.pem";
/// The public certificates, for the gateways.
const CONFIG_MAP: &str = "prepl-authorities";
const CONFIG_MAP_KEY: &str = "authorities.pem";
/// The webhook configuration that the API server reads.
const WEBHOOK: &str = "prepl-injector";
/// Who writes.
pub(super) const MANAGER: &str = "prepl-controller";
/// How long the controller's own certificates are valid; they are renewed at half of it.
const SERVING_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the controller has no authority.
#[derive(Debug, thiserror::Error)]
pub enum NoAuthority {
    /// The API server refused.
    #[error("cannot use the cluster's objects for the authority; check the controller's rights")]
    Cluster(#[from] kube::Error),
    /// The Secret lacks its one entry.
    #[error("the Secret {SECRET} has no text {SECRET_KEY}; restore it, or delete the Secret")]
    NoText,
    /// The Secret's text is no authority.
    #[error("the Secret {SECRET} holds no usable authority: {0}; restore it, or delete the Secret")]
    Unusable(AuthorityProblem),
    /// It is of another domain.
    #[error("the Secret {SECRET} is of the trust domain {0}; set trustDomain to it, or delete it")]
    OtherDomain(TrustDomain),
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// Reads the installation's authority, or creates it; of two that create it one wins.
pub async fn load_or_create(client: &Client, args: &Args) -> Result<Authority, NoAuthority> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &args.namespace);
    if let Some(found) = secrets.get_opt(SECRET).await? {
        return read(&found, &args.trust_domain);
    }
    let authority = Authority::create(&args.trust_domain)?;
    match secrets.create(&PostParams::default(), &secret(&authority)).await {
        Ok(_) => Ok(authority),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            read(&secrets.get(SECRET).await?, &args.trust_domain)
        }
        Err(error) => Err(error.into()),
    }
}

fn secret(authority: &Authority) -> Secret {
    let text = ByteString(authority.secret_pem().into_bytes());
    Secret {
        metadata: ObjectMeta { name: Some(SECRET.into()), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([(SECRET_KEY.into(), text)])),
        ..Secret::default()
    }
}

fn read(secret: &Secret, domain: &TrustDomain) -> Result<Authority, NoAuthority> {
    let text = secret.data.as_ref().and_then(|data| data.get(SECRET_KEY));
    let text =
        text.and_then(|text| std::str::from_utf8(&text.0).ok()).ok_or(NoAuthority::NoText)?;
    let authority = Authority::parse(text).map_err(NoAuthority::Unusable)?;
    if authority.domain() == domain {
        Ok(authority)
    } else {
        Err(NoAuthority::OtherDomain(authority.domain().clone()))
    }
}

/// Tells the API server and the gateways which authority there is.
pub async fn publish(
    client: &Client,
    args: &Args,
    authority: &Authority,
) -> Result<(), NoAuthority> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &args.namespace);
    let map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP},
        "data": {CONFIG_MAP_KEY: authority.certificate_pem()},
    });
    let params = PatchParams::apply(MANAGER).force();
    maps.patch(CONFIG_MAP, &params, &Patch::Apply(map)).await?;
    trust_webhook(client, authority).await
}

async fn trust_webhook(client: &Client, authority: &Authority) -> Result<(), NoAuthority> {
    use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
    let hooks: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let bundle = ByteString(authority.certificate_pem().as_bytes().to_vec());
    let change = json!({
        "webhooks": [{"name": "inject.prepl.dev", "clientConfig": {"caBundle": bundle}}],
    });
    match hooks.patch(WEBHOOK, &PatchParams::default(), &Patch::Strategic(change)).await {
        Err(kube::Error::Api(absent)) if absent.code == 404 => {
            tracing::warn!(
                "there is no MutatingWebhookConfiguration {WEBHOOK}: nothing is injected"
            );
            Ok(())
        }
        answer => Ok(answer.map(drop)?),
    }
}

/// The controller's own certificate, for the webhook's DNS name and for sidecars.
pub fn serving(authority: &Authority, args: &Args, name: &Name) -> Result<Credentials, IssueError> {
    Ok(Credentials::fixed(authority.issue_server(name, &dns_names(args), SERVING_LIFETIME)?))
}

fn dns_names(args: &Args) -> [String; 1] {
    [format!("prepl-controller.{}.svc", args.namespace)]
}

/// Renews the controller's own certificate for ever; a failure is tried again in a minute.
pub async fn renew(authority: &Authority, args: &Args, name: &Name, credentials: &Credentials) {
    loop {
        time::sleep(SERVING_LIFETIME / 2).await;
        while let Err(error) = authority
            .issue_server(name, &dns_names(args), SERVING_LIFETIME)
            .map(|bundle| credentials.replace(bundle))
        {
            tracing::error!(%error, "the controller's own certificate was not renewed");
            time::sleep(Duration::from_secs(60)).await;
        }
    }
}
