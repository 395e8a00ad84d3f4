//! What a user may do, asked of the API server: a `SubjectAccessReview` for each workload.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Client;
use kube::api::{Api, PostParams};
use prepl_core::{Reason, Replica, Selection};
use prepl_crd::right::Right;
use prepl_crd::{Mode, UserInfo, right};
use prepl_policy::{Permit, Verdict, decide};
use tokio::time::{Instant, timeout};

use super::access::{Caller, PATIENCE, Refused};
use super::fresh::Fresh;

/// Questions to the API server at the same time, of one call.
const AT_ONCE: usize = 16;

/// Asks what users may do.
#[derive(Clone)]
pub struct Rights {
    client: Client,
    /// Who may what where, by the UID of his access: its user does not change.
    allowed: Fresh<(String, Right, Place), ()>,
}

/// A namespace and the name of a workload in it: what a rule's `resourceNames` can tell apart.
type Place = (Arc<str>, Arc<str>);

fn place(replica: &Replica) -> Place {
    (Arc::clone(&replica.id.namespace), Arc::clone(&replica.workload.name))
}

impl Rights {
    /// Asks through `client`.
    pub fn new(client: Client) -> Rights {
        Rights { client, allowed: Fresh::default() }
    }

    /// The permit to act on a selection; denied when one workload of it is.
    pub async fn permit(
        &self,
        caller: &Caller,
        mode: Mode,
        selection: &Selection,
    ) -> Result<Permit, Refused> {
        enough(caller, mode)?;
        self.decided(caller, mode.into(), selection).await
    }

    /// Whether a caller may do without the approvals that policies demand there.
    pub async fn break_glass(&self, caller: &Caller, selection: &Selection) -> Result<(), Refused> {
        self.decided(caller, Right::BreakGlass, selection).await.map(drop)
    }

    async fn decided(
        &self,
        caller: &Caller,
        right: Right,
        selection: &Selection,
    ) -> Result<Permit, Refused> {
        let places: BTreeSet<Place> = selection.replicas().iter().map(place).collect();
        let verdicts = self.verdicts(caller, right, places).await?;
        let unknown = || Verdict::Denied(Reason::new("nobody was asked about it"));
        let verdict =
            |replica: &Replica| verdicts.get(&place(replica)).cloned().unwrap_or_else(unknown);
        decide(selection, verdict).map_err(|denial| Refused::Denied(denial.to_string()))
    }

    /// The replicas that a caller may inspect, and how many workloads have others.
    pub async fn visible(
        &self,
        caller: &Caller,
        replicas: Vec<Replica>,
    ) -> Result<(Vec<Replica>, usize), Refused> {
        let places: BTreeSet<Place> = replicas.iter().map(place).collect();
        let namespaces: BTreeSet<Arc<str>> = places.iter().map(|one| Arc::clone(&one.0)).collect();
        let whole = self.whole(&caller.user, namespaces).await?;
        let others = places.iter().filter(|one| !whole.contains(&one.0)).cloned().collect();
        let verdicts = self.verdicts(caller, Mode::Inspect.into(), others).await?;
        let may =
            |one: &Place| whole.contains(&one.0) || verdicts.get(one) == Some(&Verdict::Allowed);
        let hidden = places.iter().filter(|one| !may(one)).count();
        Ok((replicas.into_iter().filter(|replica| may(&place(replica))).collect(), hidden))
    }

    /// The namespaces in which a user may inspect whatever there is.
    async fn whole(
        &self,
        user: &UserInfo,
        namespaces: BTreeSet<Arc<str>>,
    ) -> Result<BTreeSet<Arc<str>>, Refused> {
        let asked = stream::iter(namespaces).map(|namespace| async move {
            let allowed = self.may(user, Mode::Inspect.into(), &namespace, None).await?;
            Ok::<_, Refused>(allowed.then_some(namespace))
        });
        asked
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|one| async move { Ok(one) })
            .try_collect()
            .await
    }

    async fn verdicts(
        &self,
        caller: &Caller,
        right: Right,
        places: BTreeSet<Place>,
    ) -> Result<BTreeMap<Place, Verdict>, Refused> {
        let asked = stream::iter(places).map(|place| async move {
            let allowed = self.is_allowed(caller, right, &place).await?;
            let denied = || Verdict::Denied(missing(&caller.user.username, right, &place));
            let verdict = if allowed { Verdict::Allowed } else { denied() };
            Ok::<_, Refused>((place, verdict))
        });
        asked.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Whether he may now, or might a moment ago.
    async fn is_allowed(
        &self,
        caller: &Caller,
        right: Right,
        place: &Place,
    ) -> Result<bool, Refused> {
        let question = (caller.access.uid.clone(), right, place.clone());
        if self.allowed.get(&question).is_some() {
            return Ok(true);
        }
        let asked = Instant::now();
        let allowed = self.may(&caller.user, right, &place.0, Some(&place.1)).await?;
        if allowed {
            self.allowed.keep(question, asked, ());
        }
        Ok(allowed)
    }

    async fn may(
        &self,
        user: &UserInfo,
        right: Right,
        namespace: &str,
        workload: Option<&str>,
    ) -> Result<bool, Refused> {
        self.ask(&review(user, right, namespace, workload)).await
    }

    /// Whether a user may read the audit logs of the gateways in this namespace.
    pub async fn reads_audit(&self, user: &UserInfo, namespace: &str) -> Result<(), Refused> {
        match self.ask(&review_of(user, right::audit_attributes(namespace))).await? {
            true => Ok(()),
            false => {
                let (name, rule) = (&user.username, right::missing_audit(namespace));
                Err(Refused::Denied(format!("{name} may not read the audit log; {rule}")))
            }
        }
    }

    async fn ask(&self, review: &SubjectAccessReview) -> Result<bool, Refused> {
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let answer = timeout(PATIENCE, reviews.create(&PostParams::default(), review)).await;
        let answer = answer.map_err(|_| Refused::NoAnswer)?.map_err(|error| {
            tracing::warn!(%error, "the API server does not review a user's rights");
            Refused::NoAnswer
        })?;
        let status = answer.status.unwrap_or_default();
        Ok(status.allowed && status.denied != Some(true))
    }
}

/// Whether the access was asked for with that in mind.
pub fn enough(caller: &Caller, mode: Mode) -> Result<(), Refused> {
    if mode <= caller.mode {
        return Ok(());
    }
    let words = format!(
        "the access is for {} alone; ask for one to {}",
        caller.mode.subresource(),
        mode.subresource()
    );
    Err(Refused::Denied(words))
}

/// The question for one workload, or without a name for all of a namespace.
pub fn review(
    user: &UserInfo,
    right: impl Into<Right>,
    namespace: &str,
    workload: Option<&str>,
) -> SubjectAccessReview {
    review_of(user, right::attributes(right, namespace, workload))
}

fn review_of(user: &UserInfo, attributes: ResourceAttributes) -> SubjectAccessReview {
    let spec = SubjectAccessReviewSpec {
        user: Some(user.username.clone()),
        uid: Some(user.uid.clone()).filter(|uid| !uid.is_empty()),
        groups: Some(user.groups.clone()),
        extra: Some(user.extra.clone()),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

fn missing(username: &str, right: Right, (namespace, workload): &Place) -> Reason {
    let (word, rule) = (right.subresource(), right::missing(right, namespace, Some(workload)));
    Reason::new(format!("{username} may not {word} there; {rule}"))
}
