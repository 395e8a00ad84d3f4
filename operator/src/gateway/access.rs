//! Whether an access is still there, asked of the API server.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::Api;
use prepl_audit::AccessRef;
use prepl_crd::{AccessRequest, AccessRequestStatus, Mode, Phase, UserInfo};
use prepl_identity::Holder;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;

use super::fresh::Fresh;
use super::purpose::Purpose;

/// How long one question to the API server may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How often the access of a running stream is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a running stream lives on while the API server does not answer.
const SILENCE: Duration = Duration::from_secs(10);

/// Who calls, as the API server vouched for him, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserInfo,
    /// What the access is for at most.
    pub mode: Mode,
    /// Where.
    pub scope: Scope,
    /// The access request.
    pub access: AccessRef,
    /// What it is good for.
    pub purpose: Purpose,
}

/// Where an access reaches; what its user may do there is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One namespace.
    Namespace(String),
    /// All of them.
    All,
}

impl Scope {
    /// Whether a namespace lies in it.
    #[must_use]
    pub fn reaches(&self, namespace: &str) -> bool {
        match self {
            Scope::Namespace(own) => own == namespace,
            Scope::All => true,
        }
    }
}

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The caller has no access; a sentence.
    #[error("{0}")]
    Denied(String),
    /// Nobody can tell.
    #[error("the API server does not answer the gateway; nothing was evaluated, try again")]
    NoAnswer,
    /// It is not recorded, so it must not happen; a sentence.
    #[error("{0}")]
    NotRecorded(String),
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Status {
        match &refused {
            Refused::Denied(words) => Status::permission_denied(words),
            Refused::NoAnswer => Status::unavailable(refused.to_string()),
            Refused::NotRecorded(words) => Status::resource_exhausted(words),
        }
    }
}

/// Looks accesses up.
#[derive(Clone)]
pub struct Accesses {
    pub(super) client: Client,
    own_namespace: String,
    fresh: Fresh<Holder, Caller>,
}

impl Accesses {
    /// An access request in `own_namespace` reaches all namespaces.
    pub fn new(client: Client, own_namespace: &str) -> Accesses {
        Accesses { client, own_namespace: own_namespace.to_owned(), fresh: Fresh::default() }
    }

    /// The caller behind a certificate, if his access is there now, or was a moment ago.
    pub async fn caller(&self, holder: &Holder) -> Result<Caller, Refused> {
        if let Some(caller) = self.fresh.get(holder) {
            return Ok(caller);
        }
        let asked = Instant::now();
        let caller = self.look(holder).await?;
        self.fresh.keep(holder.clone(), asked, caller.clone());
        Ok(caller)
    }

    async fn look(&self, holder: &Holder) -> Result<Caller, Refused> {
        let Holder::Access { namespace, name, uid } = holder else {
            return Err(Refused::Denied("only the holder of an access request may ask".into()));
        };
        let requests: Api<AccessRequest> = Api::namespaced(self.client.clone(), namespace.as_str());
        let found = timeout(PATIENCE, requests.get_opt(name.as_str())).await;
        let found = found.map_err(|_| Refused::NoAnswer)?.map_err(|error| {
            tracing::warn!(%error, "an access request cannot be read");
            Refused::NoAnswer
        })?;
        check(found.as_ref(), uid.as_str(), Timestamp::now())?;
        let found = found.ok_or_else(gone)?;
        let purpose = Purpose::of(&found);
        let spec = found.spec;
        let scope = match namespace.as_str() == self.own_namespace {
            true => Scope::All,
            false => Scope::Namespace(namespace.to_string()),
        };
        let access = AccessRef {
            namespace: namespace.to_string(),
            name: name.to_string(),
            uid: uid.to_string(),
        };
        Ok(Caller { user: spec.user, mode: spec.mode, scope, access, purpose })
    }

    /// Completes with the reason when `allowed` denies, or says nothing for too long.
    pub async fn until_denied<F>(allowed: impl Fn() -> F) -> Refused
    where
        F: Future<Output = Result<(), Refused>>,
    {
        let mut answered = Instant::now();
        loop {
            sleep(LOOK_EVERY).await;
            match allowed().await {
                Ok(()) => answered = Instant::now(),
                Err(Refused::NoAnswer) if answered.elapsed() < SILENCE => {}
                Err(refused) => return refused,
            }
        }
    }
}

/// Whether this access request can be used now by the holder of that UID's certificate.
pub fn check(found: Option<&AccessRequest>, uid: &str, now: Timestamp) -> Result<(), Refused> {
    let request = found.ok_or_else(gone)?;
    let status = request.status.clone().unwrap_or_default();
    let lasts = status.not_after.as_ref().is_some_and(|end| end.0 > now);
    match status.phase {
        _ if request.metadata.uid.as_deref() != Some(uid) => Err(gone()),
        _ if request.metadata.deletion_timestamp.is_some() => Err(gone()),
        Some(Phase::Active) if lasts => Ok(()),
        Some(Phase::Active | Phase::Expired) => {
            Err(Refused::Denied("the access is over; ask again".into()))
        }
        Some(Phase::Denied) => Err(Refused::Denied(denial(&status))),
        Some(Phase::Pending) | None => {
            Err(Refused::Denied("the access request is not granted".into()))
        }
    }
}

/// Why the controller denied it.
fn denial(status: &AccessRequestStatus) -> String {
    format!("the access is denied: {}", status.why_denied())
}

fn gone() -> Refused {
    Refused::Denied("the access request was deleted, so the access is over".into())
}
