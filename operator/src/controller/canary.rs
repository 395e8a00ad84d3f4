//! Sees, with creates that are never stored, that the admission policy still holds.
//!
//! A certificate names the user of an access request. That he is the one who asked is known only
//! from the admission policy: without it, nothing is signed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use prepl_crd::{AccessRequest, AccessRequestSpec, Mode, UserInfo};
use tokio::sync::watch;
use tokio::time;

use super::metrics::Metrics;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);
/// How soon again after a failure.
const AGAIN: Duration = Duration::from_secs(5);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The policy whose refusal is wanted; a refusal by anything else proves nothing.
const POLICY: &str = "prepl-access-request-user";

/// Why nothing may be signed now.
#[derive(Debug, thiserror::Error)]
pub enum PolicyGone {
    /// A lie was taken.
    #[error(
        "an access request with a false {0} was accepted; install the admission policy {POLICY} again"
    )]
    Accepted(&'static str),
    /// Something else refused, or nobody answered.
    #[error("the admission policy {POLICY} could not be tried")]
    Untried(#[from] kube::Error),
    /// Nobody answered.
    #[error("the API server did not answer in time; the admission policy {POLICY} was not tried")]
    TooSlow,
}

/// Looks for ever, and tells since when users can be believed.
pub async fn watch(
    client: Client,
    namespace: String,
    holds_since: watch::Sender<Option<Timestamp>>,
    metrics: Arc<Metrics>,
) {
    loop {
        let begun = Timestamp::now();
        let answer = time::timeout(PATIENCE, look(&client, &namespace)).await;
        let pause = match answer.unwrap_or(Err(PolicyGone::TooSlow)) {
            Ok(()) => {
                holds_since.send_modify(|since| *since = since.or(Some(begun)));
                EVERY
            }
            Err(error) => {
                holds_since.send_replace(None);
                metrics.canary_failed.add();
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "no access is given");
                AGAIN
            }
        };
        time::sleep(pause).await;
    }
}

/// Tells two lies, one at a time: another's name, and a group too many.
pub async fn look(client: &Client, namespace: &str) -> Result<(), PolicyGone> {
    let own = own_user(client).await?;
    let other = UserInfo { username: "prepl:canary".into(), ..own.clone() };
    is_refused("user name", try_create(client, namespace, other)).await?;
    let mut more = own;
    more.groups.push("prepl:canary".into());
    is_refused("group", try_create(client, namespace, more)).await
}

async fn own_user(client: &Client) -> Result<UserInfo, kube::Error> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = api.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    Ok(review.status.and_then(|status| status.user_info).unwrap_or_default().into())
}

async fn is_refused(
    lie: &'static str,
    attempt: impl Future<Output = kube::Result<AccessRequest>>,
) -> Result<(), PolicyGone> {
    match attempt.await {
        Ok(_) => Err(PolicyGone::Accepted(lie)),
        Err(kube::Error::Api(status)) if status.message.contains(POLICY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn try_create(
    client: &Client,
    namespace: &str,
    user: UserInfo,
) -> kube::Result<AccessRequest> {
    let spec = AccessRequestSpec {
        user,
        csr: "-".repeat(64),
        mode: Mode::Inspect,
        ttl_seconds: 60,
        reason: None,
    };
    let api: Api<AccessRequest> = Api::namespaced(client.clone(), namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&params, &AccessRequest::new("prepl-canary", spec)).await
}
