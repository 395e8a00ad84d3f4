//! What others said to an access request, and the review that a use of break-glass owes.
//!
//! The debt is a finalizer: an access request that has it cannot go away, and an admission policy
//! lets nobody but the controller touch it.

use k8s_openapi::api::core::v1::{Namespace, ObjectReference};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use prepl_crd::{AccessApproval, AccessRequest, Decision, Phase, REVIEW, selector};
use prepl_policy::approval;
use serde_json::{Value, json};

use super::events::Warning;

/// Most that is heard of what was said to one request.
const MAX_SAID: usize = 5000;
/// Most requests of one user that are looked at: far more than may owe a review.
const MAX_LISTED: u32 = 500;
/// Who puts the finalizer on and takes it off.
const MANAGER: &str = "prepl-review";

/// What others said to an access request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Who denied it, if somebody did.
    pub denied_by: Option<String>,
    /// Who looked at it after it had ended, if somebody else did.
    pub reviewed_by: Option<String>,
}

impl Said {
    /// What the approvals of its namespace say to a request.
    #[must_use]
    pub fn to(request: &AccessRequest, approvals: &[AccessApproval], now: Timestamp) -> Said {
        let uid = request.metadata.uid.as_deref().unwrap_or_default();
        let about = approvals.iter().filter(|one| one.spec.request.uid == uid);
        let denied = about.clone().filter(|one| one.spec.decision == Decision::Deny);
        let after = about.filter(|one| is_after_the_end(request, one));
        let after: Vec<_> = after.map(|one| one.said(now)).collect();
        let user = request.spec.user.person();
        let reviewer = approval::reviewer(&user, uid, after.iter());
        Said {
            denied_by: denied.map(|one| one.spec.approver.username.clone()).min(),
            reviewed_by: reviewer.map(|person| person.name.to_string()),
        }
    }
}

/// Whether others may have something to say that counts.
#[must_use]
pub fn is_talked_about(request: &AccessRequest) -> bool {
    request.spec.run.is_some() || request.spec.break_glass || request.owes_review()
}

/// A review is of everything that was done: what is said before the end counts for nothing.
fn is_after_the_end(request: &AccessRequest, approval: &AccessApproval) -> bool {
    let said = approval.metadata.creation_timestamp.as_ref();
    ended(request).zip(said).is_some_and(|(ended, said)| said.0 >= ended)
}

/// When nothing could be done with it any more; `None` as long as it can be used.
fn ended(request: &AccessRequest) -> Option<Timestamp> {
    let deleted = request.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    let status = request.status.as_ref();
    let over = status.filter(|one| matches!(one.phase, Some(Phase::Denied | Phase::Expired)));
    let over = over.and_then(|one| one.ready());
    let over = over.map(|ready| ready.last_transition_time.0);
    deleted.into_iter().chain(over).min()
}

/// Everything that was said to a request, up to far more than people have to say.
pub async fn look(client: &Client, request: &AccessRequest) -> kube::Result<Vec<AccessApproval>> {
    let namespace = request.namespace().unwrap_or_default();
    let approvals: Api<AccessApproval> = Api::namespaced(client.clone(), &namespace);
    let about = selector::approvals_of(&request.name_any());
    let mut params = ListParams::default().fields(&about).limit(500);
    let mut all = Vec::new();
    loop {
        let page = approvals.list(&params).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|more| !more.is_empty()) {
            Some(more) if all.len() < MAX_SAID => params = params.continue_token(&more),
            Some(_) | None => return Ok(all),
        }
    }
}

/// What puts the debt on a request, or takes it off; the finalizers of others stay.
///
/// The whole list is written, and only over the version that was seen: a list that is applied has
/// owners, and one who owns the debt too would keep it there.
#[must_use]
pub fn debt(request: &AccessRequest, owes: bool) -> Value {
    let others = request.finalizers().iter().map(String::as_str).filter(|one| *one != REVIEW);
    let finalizers: Vec<&str> = others.chain(owes.then_some(REVIEW)).collect();
    json!({"metadata": {
        "uid": request.uid(),
        "resourceVersion": request.resource_version(),
        "finalizers": finalizers,
    }})
}

/// Puts the debt on a request, or takes it off.
pub async fn owe(client: &Client, request: &AccessRequest, owes: bool) -> kube::Result<()> {
    let namespace = request.namespace().unwrap_or_default();
    let requests: Api<AccessRequest> = Api::namespaced(client.clone(), &namespace);
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..<_>::default() };
    requests.patch(&request.name_any(), &params, &Patch::Merge(debt(request, owes))).await.map(drop)
}

/// How many requests of a user owe a review, in all namespaces; at least so many where there are
/// more than can be listed at once.
pub async fn owed(client: &Client, user: &str) -> kube::Result<usize> {
    let requests: Api<AccessRequest> = Api::all(client.clone());
    let params = ListParams::default().fields(&selector::break_glass_of(user)).limit(MAX_LISTED);
    let found = requests.list(&params).await?;
    Ok(found.items.iter().filter(|request| request.owes_review()).count())
}

/// Whether the namespace of a request is being deleted: nobody can review it there any more.
pub async fn is_going(client: &Client, request: &AccessRequest) -> kube::Result<bool> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = namespaces.get_opt(&request.namespace().unwrap_or_default()).await?;
    Ok(found.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some()))
}

/// What everybody is told who looks at the events of a namespace where break-glass is used.
#[must_use]
pub fn warning(request: &AccessRequest) -> Warning {
    let about = ObjectReference {
        api_version: Some("prepl.dev/v1alpha1".into()),
        kind: Some("AccessRequest".into()),
        name: request.metadata.name.clone(),
        uid: request.metadata.uid.clone(),
        namespace: request.metadata.namespace.clone(),
        ..ObjectReference::default()
    };
    let (user, ticket) = (&request.spec.user.username, request.spec.ticket.as_deref());
    let message = format!(
        "{user} may evaluate without approvals for {} s, ticket {}; look at what was done when it \
         is over: prepl request review {}",
        request.spec.ttl_seconds,
        ticket.unwrap_or("none"),
        request.name_any()
    );
    Warning::break_glass(about, message)
}
