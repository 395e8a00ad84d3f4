//! Sees, with creates that are never stored, that the admission policies still hold.
//!
//! A certificate names the user of an access request, and what counts of an approval is whose it
//! is. That they are those who asked is known only from the admission policies: without them,
//! nothing is signed.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use prepl_crd::{
    AccessApproval, AccessApprovalSpec, AccessRequest, AccessRequestSpec, Decision, Mode,
    RequestName, UserInfo,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time;

use super::metrics::Metrics;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);
/// How soon again after a failure.
const AGAIN: Duration = Duration::from_secs(5);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The policies whose refusals are wanted; a refusal by anything else proves nothing.
const REQUESTS: &str = "prepl-access-request-user";
const APPROVALS: &str = "prepl-access-approval-approver";

/// Why nothing may be signed now.
#[derive(Debug, thiserror::Error)]
pub enum PolicyGone {
    /// A lie was taken.
    #[error("a false {lie} was accepted; install the admission policy {policy} again")]
    Accepted {
        /// The policy that should have refused it.
        policy: &'static str,
        /// What was wrong.
        lie: &'static str,
    },
    /// Something else refused, or nobody answered.
    #[error("the admission policy {0} could not be tried")]
    Untried(&'static str, #[source] Box<kube::Error>),
    /// The API server does not tell who this is.
    #[error("the API server does not tell the controller who it is")]
    Unknown(#[source] Box<kube::Error>),
    /// Nobody answered.
    #[error("the API server did not answer in time; the admission policies were not tried")]
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

/// Tells each policy two lies, one at a time: another's name, and a group too many.
pub async fn look(client: &Client, namespace: &str) -> Result<(), PolicyGone> {
    let own = own_user(client).await.map_err(|error| PolicyGone::Unknown(error.into()))?;
    let other = UserInfo { username: "prepl:canary".into(), ..own.clone() };
    let mut more = own;
    more.groups.push("prepl:canary".into());
    for (lie, user) in [("user name", other), ("group", more)] {
        let request = try_create(client, namespace, request(user.clone()));
        is_refused(REQUESTS, lie, request).await?;
        let approval = try_create(client, namespace, approval(user));
        is_refused(APPROVALS, lie, approval).await?;
    }
    Ok(())
}

async fn own_user(client: &Client) -> Result<UserInfo, kube::Error> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = api.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    Ok(review.status.and_then(|status| status.user_info).unwrap_or_default().into())
}

async fn is_refused<K>(
    policy: &'static str,
    lie: &'static str,
    attempt: impl Future<Output = kube::Result<K>>,
) -> Result<(), PolicyGone> {
    match attempt.await {
        Ok(_) => Err(PolicyGone::Accepted { policy, lie }),
        Err(kube::Error::Api(status)) if status.message.contains(policy) => Ok(()),
        Err(error) => Err(PolicyGone::Untried(policy, error.into())),
    }
}

async fn try_create<K>(client: &Client, namespace: &str, object: K) -> kube::Result<K>
where
    K: Resource<Scope = NamespaceResourceScope> + Serialize + DeserializeOwned + Clone + Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&params, &object).await
}

fn request(user: UserInfo) -> AccessRequest {
    let spec = AccessRequestSpec {
        user,
        csr: "-".repeat(64),
        mode: Mode::Inspect,
        ttl_seconds: 60,
        reason: None,
        ticket: None,
        break_glass: false,
        run: None,
    };
    AccessRequest::new("prepl-canary", spec)
}

fn approval(approver: UserInfo) -> AccessApproval {
    let spec = request(UserInfo::default()).approval(approver, Decision::Deny);
    AccessApproval::new("prepl-canary", AccessApprovalSpec { request: nowhere(), ..spec })
}

/// An access request that is not there.
fn nowhere() -> RequestName {
    RequestName { name: "prepl-canary".into(), uid: "none".into() }
}
