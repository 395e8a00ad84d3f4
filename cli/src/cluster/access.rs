//! The access request: asked for, waited for, kept.

use std::time::{Duration, SystemTime};

use kube::api::{Api, ObjectMeta, PostParams};
use prepl_crd::{
    AccessRequest, AccessRequestSpec, AccessRequestStatus, AskedRun, Mode, Phase, UserInfo,
};
use prepl_gateway::Grounds;
use prepl_identity::{Bundle, KeyRequest};
use tokio::time::{Instant, sleep};

use crate::cluster::api_error::{is_unknown, not_installed, refused};
use crate::cluster::context::Cluster;
use crate::cluster::{cache, rights};
use crate::problem::Problem;

/// How long an access lasts at least: groups of the user are read once for it.
pub const SHORTEST: Duration = Duration::from_secs(900);
/// How long one may last at most: the schema's eight hours.
pub const LONGEST: Duration = Duration::from_secs(28_800);

/// A controller that runs answers within a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// First and longest pause between two looks at the status.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(320));

/// The user's key and certificate for one namespace and mode.
#[derive(Debug)]
pub enum Access {
    /// Of an earlier command; it may have been taken away since.
    Kept(Bundle),
    /// Given now.
    Fresh(Bundle),
}

/// The user's access: kept, or asked for; it ends after `lasting` at the earliest.
pub async fn access(cluster: &Cluster, mode: Mode, lasting: Duration) -> Result<Access, Problem> {
    let until = SystemTime::now() + lasting.min(LONGEST / 2);
    let place = cache::place(cluster, mode);
    match place.as_deref().and_then(|place| cache::kept(place, until)) {
        Some(bundle) => Ok(Access::Kept(bundle)),
        None => renew(cluster, mode, lasting).await.map(Access::Fresh),
    }
}

/// Asks for an access, and keeps it for the next command.
pub async fn renew(cluster: &Cluster, mode: Mode, lasting: Duration) -> Result<Bundle, Problem> {
    let bundle = ask(cluster, mode, lasting).await?;
    if let Some(place) = cache::place(cluster, mode) {
        cache::keep(&place, &bundle);
    }
    Ok(bundle)
}

/// Asks for an access: the controller has to answer.
pub async fn ask(cluster: &Cluster, mode: Mode, lasting: Duration) -> Result<Bundle, Problem> {
    // Twice as long, so that the next command of the kind finds it good.
    let wanted = Wanted::ordinary(mode, (lasting * 2).clamp(SHORTEST, LONGEST));
    make(cluster, wanted).await.map(|made| made.bundle)
}

/// What an access request is to be for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// To do what.
    pub mode: Mode,
    /// For how long.
    pub lasting: Duration,
    /// Why.
    pub grounds: Grounds,
    /// Without the approvals that policies demand.
    pub break_glass: bool,
    /// For this run alone.
    pub run: Option<AskedRun>,
}

impl Wanted {
    fn ordinary(mode: Mode, lasting: Duration) -> Wanted {
        Wanted { mode, lasting, grounds: Grounds::default(), break_glass: false, run: None }
    }

    fn spec(self, user: UserInfo, csr: &str) -> AccessRequestSpec {
        AccessRequestSpec {
            user,
            csr: csr.to_owned(),
            mode: self.mode,
            ttl_seconds: u32::try_from(self.lasting.as_secs()).unwrap_or(u32::MAX),
            reason: self.grounds.reason().map(str::to_owned),
            ticket: self.grounds.ticket().map(str::to_owned),
            break_glass: self.break_glass,
            run: self.run,
        }
    }
}

/// An access request that was granted, and the key of it.
#[derive(Debug)]
pub struct Made {
    /// The request as the API server knows it.
    pub request: AccessRequest,
    /// The key and its certificate.
    pub bundle: Bundle,
}

/// Refuses what a gateway would deny: what others say to a request, they say where the replicas are,
/// and a request in the namespace of prepl itself is for those of all namespaces.
pub fn of_one_namespace(namespace: &str, operator: &str) -> Result<(), Problem> {
    if namespace != operator {
        return Ok(());
    }
    Err(Problem::denied("approvals and break-glass are of one namespace; nothing was asked for")
        .hint("name the namespace of the replicas with -n"))
}

/// Makes an access request, and waits until it is granted.
pub async fn make(cluster: &Cluster, wanted: Wanted) -> Result<Made, Problem> {
    let user = rights::who(cluster).await?;
    let key = KeyRequest::new().map_err(|error| Problem::of(&error))?;
    let metadata = ObjectMeta { generate_name: Some("prepl-".to_owned()), ..<_>::default() };
    let spec = wanted.spec(user, key.csr_pem());
    let request = AccessRequest { metadata, spec, status: None };
    let requests: Api<AccessRequest> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let request = requests.create(&PostParams::default(), &request).await;
    let request = request.map_err(|error| unmade(&error))?;
    let name = request.metadata.name.clone().unwrap_or_default();
    let (certificate, authorities) = wait(&requests, &name).await?;
    let bundle = key.into_bundle(&certificate, &authorities);
    Ok(Made { request, bundle: bundle.map_err(|error| Problem::of(&error))? })
}

fn unmade(error: &kube::Error) -> Problem {
    match error {
        kube::Error::Api(status) if is_about_namespace(status) => {
            Problem::nothing_matched(&status.message).hint("name another one with -n")
        }
        error if is_unknown(error) => not_installed(),
        error => refused("ask for access", error),
    }
}

/// Whether what is missing is the namespace, rather than prepl.
fn is_about_namespace(status: &kube::core::Status) -> bool {
    let kind = status.details.as_ref().map(|details| details.kind.as_str());
    status.code == 404 && kind == Some("namespaces")
}

async fn wait(requests: &Api<AccessRequest>, name: &str) -> Result<(String, String), Problem> {
    let (mut pause, end) = (PAUSE.0, Instant::now() + PATIENCE);
    loop {
        let seen = requests.get(name).await;
        let seen = seen.map_err(|error| refused("see the access request", &error))?;
        match Stand::of(seen.status.as_ref()) {
            Stand::Given(certificate, authorities) => return Ok((certificate, authorities)),
            Stand::Refused(why) => return Err(Problem::denied(why)),
            Stand::Open if Instant::now() >= end => return Err(unanswered(name)),
            Stand::Open => sleep(pause).await,
        }
        pause = (pause * 2).min(PAUSE.1);
    }
}

fn unanswered(name: &str) -> Problem {
    Problem::failed(format!("the controller left access request {name} unanswered")).hint(
        "see whether deploy/prepl-controller runs in the namespace that prepl is installed in",
    )
}

/// Where an access request stands, to the one who waits for it.
#[derive(Debug, PartialEq, Eq)]
enum Stand {
    Open,
    /// Certificate and authorities, in PEM.
    Given(String, String),
    Refused(String),
}

impl Stand {
    fn of(status: Option<&AccessRequestStatus>) -> Stand {
        let Some(status) = status else { return Stand::Open };
        match (status.phase, &status.certificate, &status.authorities) {
            (Some(Phase::Active), Some(certificate), Some(authorities)) => {
                Stand::Given(certificate.clone(), authorities.clone())
            }
            (Some(Phase::Denied), ..) => Stand::Refused(reason(status)),
            (Some(Phase::Expired), ..) => Stand::Refused("the access is over already".to_owned()),
            (Some(Phase::Active | Phase::Pending) | None, ..) => Stand::Open,
        }
    }
}

fn reason(status: &AccessRequestStatus) -> String {
    format!("access is denied: {}", status.why_denied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(phase: Option<Phase>) -> AccessRequestStatus {
        AccessRequestStatus { phase, ..<_>::default() }
    }

    #[test]
    fn what_others_have_a_say_in_is_of_one_namespace() {
        assert_eq!(of_one_namespace("shop", "prepl-system"), Ok(()));
        let refused = of_one_namespace("prepl-system", "prepl-system").unwrap_err();
        assert_eq!(refused.code, prepl_core::ExitCode::Denied);
        assert!(refused.hint.unwrap().contains("-n"));
    }

    #[test]
    fn a_request_is_open_until_its_certificate_is_there() {
        assert_eq!(Stand::of(None), Stand::Open);
        assert_eq!(Stand::of(Some(&status(None))), Stand::Open);
        assert_eq!(Stand::of(Some(&status(Some(Phase::Pending)))), Stand::Open);
        let mut active = status(Some(Phase::Active));
        assert_eq!(Stand::of(Some(&active)), Stand::Open);
        active.certificate = Some("c".to_owned());
        active.authorities = Some("a".to_owned());
        assert_eq!(Stand::of(Some(&active)), Stand::Given("c".to_owned(), "a".to_owned()));
        active.phase = Some(Phase::Expired);
        assert!(matches!(Stand::of(Some(&active)), Stand::Refused(_)));
    }

    #[test]
    fn a_denial_gives_the_controllers_sentence() {
        let mut denied = status(Some(Phase::Denied));
        assert!(
            matches!(Stand::of(Some(&denied)), Stand::Refused(why) if why.contains("no reason"))
        );
        let condition = serde_json::json!({
            "type": "Ready", "status": "False", "reason": "BadKey", "message": "the key is weak",
            "lastTransitionTime": "2026-01-01T00:00:00Z"
        });
        denied.conditions = vec![serde_json::from_value(condition).unwrap()];
        let stand = Stand::of(Some(&denied));
        assert_eq!(stand, Stand::Refused("access is denied: the key is weak".to_owned()));
    }
}
