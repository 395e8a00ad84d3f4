//! Answers access requests: signs, lets expire, ends what somebody denies, cleans up.
//!
//! The decision is [`next_step`], which knows nothing but the object, what others said, and the
//! time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use prepl_crd::{AccessApproval, AccessRequest, AccessRequestStatus, Phase, READY};
use prepl_identity::{Authority, IssueError, Name, NameError};
use serde_json::json;
use tokio::sync::watch;
use tokio::time;

use super::authority::MANAGER;
use super::events;
use super::metrics::Metrics;
use super::review::{self, Said};
use super::trust::Authorities;

/// How long an ended access request stays to be read, in seconds: five minutes.
const KEPT_SECONDS: i64 = 300;
/// How soon something that failed is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How soon a request is looked at again that waits for its review: a namespace may go meanwhile.
const REST: Duration = Duration::from_secs(30);
/// How long a certificate would last that is made to see whether it can be.
const TRIAL: SignedDuration = SignedDuration::from_secs(60);
/// Reviews that one user may owe, whatever policies say: each keeps its request from going away.
const MAX_OWED: usize = 10;
/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is to be done with an access request now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Write down that it will have to be reviewed.
    Owe,
    /// It was reviewed.
    Release,
    /// Give a certificate that ends then.
    Sign(Timestamp),
    /// Write that somebody denied it, for good.
    Deny(String),
    /// Write that it is over.
    Expire,
    /// Remove it.
    Delete,
    /// Look again after these seconds.
    Wait(u64),
    /// Look again when somebody says something to it, or in good time.
    Rest,
}

/// Decides. The time of an access request runs from its creation, whenever it is signed.
#[must_use]
pub fn next_step(request: &AccessRequest, said: &Said, now: Timestamp) -> Step {
    let created = request.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    let end = created.as_second().saturating_add(i64::from(request.spec.ttl_seconds));
    let left = end - now.as_second();
    let phase = request.status.as_ref().and_then(|status| status.phase);
    let (is_new, owes) = (matches!(phase, None | Some(Phase::Pending)), request.owes_review());
    if owes && said.reviewed_by.is_some() {
        return Step::Release;
    }
    if request.metadata.deletion_timestamp.is_some() {
        return Step::Rest;
    }
    match (&said.denied_by, phase) {
        (Some(name), None | Some(Phase::Pending | Phase::Active)) => {
            return Step::Deny(name.clone());
        }
        _ if is_new && left > 0 && request.spec.break_glass && !owes => return Step::Owe,
        _ => {}
    }
    match phase {
        None | Some(Phase::Pending) if left > 0 => match Timestamp::from_second(end) {
            Ok(end) => Step::Sign(end),
            Err(_) => Step::Expire,
        },
        Some(Phase::Active) if left > 0 => Step::Wait(left.unsigned_abs()),
        None | Some(Phase::Pending | Phase::Active) => Step::Expire,
        Some(Phase::Denied | Phase::Expired) if left + KEPT_SECONDS > 0 => {
            Step::Wait((left + KEPT_SECONDS).unsigned_abs())
        }
        Some(Phase::Denied | Phase::Expired) if owes => Step::Rest,
        Some(Phase::Denied | Phase::Expired) => Step::Delete,
    }
}

/// Why a step was not done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The API server refused.
    #[error("the API server refused a step for an access request")]
    Cluster(#[from] kube::Error),
    /// The API server did not answer.
    #[error("the API server did not answer in time")]
    TooSlow,
    /// The admission policy does not hold.
    #[error("the admission policy does not hold: no access is given")]
    PolicyGone,
}

/// Why a request gets no certificate, ever.
#[derive(Debug, thiserror::Error)]
enum Unsignable {
    #[error("the name of the access request cannot stand in a certificate: {0}")]
    Name(#[from] NameError),
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// What the steps are done with.
pub struct Context {
    /// Calls the API server.
    pub client: Client,
    /// Sign.
    pub authorities: Authorities,
    /// Since when the admission policy is known to hold.
    pub policy_holds_since: watch::Receiver<Option<Timestamp>>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Whose turn it is to owe a review.
    pub owing: tokio::sync::Mutex<()>,
}

/// Answers the access requests of all namespaces, for ever.
pub async fn run(context: Context) {
    let requests: Api<AccessRequest> = Api::all(context.client.clone());
    let approvals: Api<AccessApproval> = Api::all(context.client.clone());
    Controller::new(requests, watcher::Config::default())
        .watches(approvals, watcher::Config::default(), |approval| {
            let request = ObjectRef::<AccessRequest>::new(&approval.spec.request.name);
            approval.namespace().map(|namespace| request.within(&namespace))
        })
        .run(reconcile, |_, _, _| Action::requeue(AGAIN), Arc::new(context))
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::warn!(%error, "an access request waits");
            }
        })
        .await;
}

async fn reconcile(request: Arc<AccessRequest>, context: Arc<Context>) -> Result<Action, NotDone> {
    let step = time::timeout(PATIENCE, context.step(&request));
    step.await.unwrap_or(Err(NotDone::TooSlow))
}

impl Context {
    async fn step(&self, request: &AccessRequest) -> Result<Action, NotDone> {
        let said = self.said(request).await?;
        match next_step(request, &said, Timestamp::now()) {
            Step::Rest => self.rest(request).await,
            Step::Owe => self.begin(request).await,
            Step::Release => self.owe(request, false).await,
            Step::Deny(name) => self.write(request, denied(request, &name)).await,
            Step::Wait(seconds) => Ok(Action::requeue(Duration::from_secs(seconds))),
            Step::Delete => self.delete(request).await,
            Step::Expire => self.write(request, expired(request)).await,
            Step::Sign(end) => {
                let since = *self.policy_holds_since.borrow();
                let since = since.ok_or(NotDone::PolicyGone)?;
                if is_vouched(request, since) {
                    let signed = self.signed(request, end);
                    let granted = signed.phase == Some(Phase::Active);
                    let written = self.write(request, signed).await?;
                    if granted {
                        self.tell(request).await;
                    }
                    Ok(written)
                } else {
                    self.write(request, unvouched(request)).await
                }
            }
        }
    }

    /// What others said; of most requests nobody says anything that counts.
    async fn said(&self, request: &AccessRequest) -> Result<Said, NotDone> {
        if !review::is_talked_about(request) {
            return Ok(Said::default());
        }
        let approvals = review::look(&self.client, request).await?;
        Ok(Said::to(request, &approvals, Timestamp::now()))
    }

    /// Puts the debt on a use of break-glass, or denies it: what is not granted owes nothing.
    async fn begin(&self, request: &AccessRequest) -> Result<Action, NotDone> {
        // One after the other: each sees the debts of those before it.
        let _turn = self.owing.lock().await;
        match self.objection(request).await? {
            Some(denied) => self.write(request, denied).await,
            None => self.owe(request, true).await,
        }
    }

    async fn objection(
        &self,
        request: &AccessRequest,
    ) -> Result<Option<AccessRequestStatus>, NotDone> {
        let since = self.policy_holds_since.borrow().ok_or(NotDone::PolicyGone)?;
        if !is_vouched(request, since) {
            return Ok(Some(unvouched(request)));
        }
        let trust = self.authorities.current();
        if let Err(reason) = certificate(&trust.signing, request, Timestamp::now() + TRIAL) {
            return Ok(Some(status(request, Phase::Denied, "BadRequest", &reason.to_string())));
        }
        let owed = review::owed(&self.client, &request.spec.user.username).await?;
        Ok((owed >= MAX_OWED).then(|| owing(request, owed)))
    }

    async fn owe(&self, request: &AccessRequest, owes: bool) -> Result<Action, NotDone> {
        review::owe(&self.client, request, owes).await?;
        let (namespace, name) = (request.namespace(), request.name_any());
        tracing::warn!(namespace, name, owes, "break-glass: a review is owed");
        Ok(Action::await_change())
    }

    /// Where nobody can review it any more, the debt keeps only the namespace from going.
    async fn rest(&self, request: &AccessRequest) -> Result<Action, NotDone> {
        let deleted = request.metadata.deletion_timestamp.is_some();
        if deleted && request.owes_review() && review::is_going(&self.client, request).await? {
            return self.owe(request, false).await;
        }
        Ok(Action::requeue(REST))
    }

    /// Makes a granted break-glass loud.
    async fn tell(&self, request: &AccessRequest) {
        if request.spec.break_glass {
            events::write(self.client.clone(), review::warning(request)).await;
        }
    }

    fn signed(&self, request: &AccessRequest, end: Timestamp) -> AccessRequestStatus {
        let trust = self.authorities.current();
        match certificate(&trust.signing, request, end) {
            Ok(certificate) => {
                self.metrics.granted.add();
                AccessRequestStatus {
                    certificate: Some(certificate),
                    authorities: Some(trust.anchors.clone()),
                    not_after: Some(Time(end)),
                    ..status(request, Phase::Active, "Signed", "the access can be used")
                }
            }
            Err(reason) => status(request, Phase::Denied, "BadRequest", &reason.to_string()),
        }
    }

    async fn write(
        &self,
        request: &AccessRequest,
        status: AccessRequestStatus,
    ) -> Result<Action, NotDone> {
        let name = request.name_any();
        tracing::info!(namespace = request.namespace(), name, phase = ?status.phase, "access request");
        // With the UID: another request of the same name must not get this one's status.
        let change = json!({
            "apiVersion": "prepl.dev/v1alpha1",
            "kind": "AccessRequest",
            "metadata": {"name": name, "uid": request.uid()},
            "status": status,
        });
        let params = PatchParams::apply(MANAGER).force();
        self.api(request).patch_status(&name, &params, &Patch::Apply(change)).await?;
        Ok(Action::await_change())
    }

    async fn delete(&self, request: &AccessRequest) -> Result<Action, NotDone> {
        let only_this = Preconditions { uid: request.uid(), resource_version: None };
        let params = DeleteParams::default().preconditions(only_this);
        match self.api(request).delete(&request.name_any(), &params).await {
            Err(kube::Error::Api(gone)) if gone.code == 404 => Ok(Action::await_change()),
            answer => answer.map(|_| Action::await_change()).map_err(NotDone::from),
        }
    }

    fn api(&self, request: &AccessRequest) -> Api<AccessRequest> {
        Api::namespaced(self.client.clone(), &request.namespace().unwrap_or_default())
    }
}

fn certificate(
    authority: &Authority,
    request: &AccessRequest,
    end: Timestamp,
) -> Result<String, Unsignable> {
    let namespace = request.namespace().unwrap_or_default();
    let uid = request.uid().unwrap_or_default();
    let name = Name::access(authority.domain(), &namespace, &request.name_any(), &uid)?;
    let left = end.as_second().saturating_sub(Timestamp::now().as_second());
    let lifetime = Duration::from_secs(u64::try_from(left).unwrap_or_default());
    Ok(authority.sign_for(&request.spec.csr, &name, &request.spec.user.username, lifetime)?)
}

/// Whether the request was made while the admission policy was known to hold.
#[must_use]
pub fn is_vouched(request: &AccessRequest, since: Timestamp) -> bool {
    let created = request.metadata.creation_timestamp.as_ref();
    // Creation is told in whole seconds: within the same one, the order is not known.
    created.is_some_and(|created| created.0.as_second() > since.as_second())
}

fn unvouched(request: &AccessRequest) -> AccessRequestStatus {
    let text = "it was made before the admission policy was seen to hold; ask again";
    status(request, Phase::Denied, "Unvouched", text)
}

fn denied(request: &AccessRequest, name: &str) -> AccessRequestStatus {
    status(request, Phase::Denied, "Denied", &format!("{name} denied it; ask for another run"))
}

fn owing(request: &AccessRequest, owed: usize) -> AccessRequestStatus {
    let text = format!(
        "{owed} earlier uses of break-glass wait for their review; have them reviewed first"
    );
    status(request, Phase::Denied, "ReviewsOwed", &text)
}

fn expired(request: &AccessRequest) -> AccessRequestStatus {
    let not_after = request.status.as_ref().and_then(|status| status.not_after.clone());
    let text = "its time is over; ask again";
    AccessRequestStatus { not_after, ..status(request, Phase::Expired, "Expired", text) }
}

fn status(
    request: &AccessRequest,
    phase: Phase,
    reason: &str,
    message: &str,
) -> AccessRequestStatus {
    let ready = if phase == Phase::Active { "True" } else { "False" };
    AccessRequestStatus {
        phase: Some(phase),
        conditions: vec![Condition {
            type_: READY.into(),
            status: ready.into(),
            reason: reason.into(),
            message: message.into(),
            last_transition_time: Time(Timestamp::now()),
            observed_generation: request.metadata.generation,
        }],
        observed_generation: request.metadata.generation,
        ..AccessRequestStatus::default()
    }
}
