//! The key that signs checkpoints of audit logs: a Secret that the controllers alone read.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use prepl_audit::{BadKey, NoRandom, SigningKey};
use tokio::time;

/// The Secret.
const SECRET: &str = "prepl-audit-key";
/// Its one entry: an Ed25519 key as PKCS#8 (DER).
const KEY: &str = "key.p8";
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The API server refused.
    #[error("cannot use the Secret {SECRET}; check the controller's rights")]
    Cluster(#[from] kube::Error),
    /// The API server did not answer.
    #[error("the API server did not answer in time about the Secret {SECRET}")]
    TooSlow(#[from] time::error::Elapsed),
    /// The Secret is damaged.
    #[error("the Secret {SECRET} has no entry {KEY}; restore it, or delete the Secret")]
    NoEntry,
    /// The Secret is damaged.
    #[error(
        "the entry {KEY} of the Secret {SECRET} cannot be used; restore it, or delete the Secret"
    )]
    Unusable(#[from] BadKey),
    /// No key could be made.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

/// Reads the key, or creates the first.
pub async fn establish(client: &Client, namespace: &str) -> Result<SigningKey, NoKey> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    time::timeout(PATIENCE, look(&secrets)).await?
}

async fn look(secrets: &Api<Secret>) -> Result<SigningKey, NoKey> {
    let secret = match secrets.get_opt(SECRET).await? {
        Some(found) => found,
        None => created(secrets).await?,
    };
    let data = secret.data.unwrap_or_default();
    let der = data.get(KEY).ok_or(NoKey::NoEntry)?;
    Ok(SigningKey::from_pkcs8(&der.0)?)
}

/// Of two that create it one wins.
async fn created(secrets: &Api<Secret>) -> Result<Secret, NoKey> {
    let key = ByteString(SigningKey::generate_pkcs8()?);
    let first = Secret {
        metadata: ObjectMeta { name: Some(SECRET.into()), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([(KEY.into(), key)])),
        ..Secret::default()
    };
    match secrets.create(&PostParams::default(), &first).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(secrets.get(SECRET).await?),
        created => Ok(created?),
    }
}
