//! Gives pods their certificates: who a pod is comes from its token, as the API server reads it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{
    TokenReview, TokenReviewSpec, TokenReviewStatus, UserInfo,
};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use prepl_crd::labels::{AUDIENCE, LABEL_INJECTED};
use prepl_identity::{IssueError, MAX_REQUEST_BYTES, Name, NameError, TrustDomain};
use prepl_proto::v1::enrolment_server::Enrolment;
use prepl_proto::v1::{EnrolReply, EnrolRequest};
use tokio::time;
use tonic::{Request, Response, Status};

use super::metrics::Metrics;
use super::trust::Authorities;

/// How long one call to the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a token; those of Kubernetes have some 1,200.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a pod gets no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The token is none, or for somebody else.
    #[error(
        "the API server does not accept the token for the audience {AUDIENCE}; mount a fresh one"
    )]
    Token,
    /// The token is not bound to a pod.
    #[error("the token is of no pod; use the projected token of the pod itself")]
    NoPod,
    /// The pod is gone, or another one.
    #[error("the token's pod does not live any more")]
    PodGone,
    /// prepl did not put the sidecar there.
    #[error("the token's pod was not injected; label it prepl.dev/inject=true and create it again")]
    NotInjected,
    /// Too large.
    #[error("the token or the certificate request is too large; send those of one pod")]
    TooLarge,
    /// The UID is no name.
    #[error("the pod's UID cannot stand in a certificate: {0}")]
    Uid(#[from] NameError),
    /// The request cannot be certified.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The API server refused.
    #[error("the API server did not answer; try again")]
    Cluster(#[from] kube::Error),
    /// The API server did not answer.
    #[error("the API server did not answer in time; try again")]
    TooSlow,
}

impl Refused {
    fn status(&self) -> Status {
        let text = self.to_string();
        match self {
            Refused::Token => Status::unauthenticated(text),
            Refused::NoPod | Refused::PodGone | Refused::NotInjected => {
                Status::permission_denied(text)
            }
            Refused::TooLarge | Refused::Uid(_) | Refused::Issue(_) => {
                Status::invalid_argument(text)
            }
            Refused::Cluster(_) | Refused::TooSlow => Status::unavailable(text),
        }
    }
}

/// A pod as its token tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodIdentity {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's service account.
    pub service_account: String,
    /// The pod's name.
    pub name: String,
    /// The pod's UID.
    pub uid: String,
}

impl PodIdentity {
    /// Reads what the API server says of a token.
    pub fn of(status: &TokenReviewStatus) -> Result<Self, Refused> {
        let for_us = status.audiences.iter().flatten().any(|audience| audience == AUDIENCE);
        let user = match &status.user {
            Some(user) if status.authenticated == Some(true) && for_us => user,
            _ => return Err(Refused::Token),
        };
        let account =
            user.username.as_deref().and_then(|n| n.strip_prefix("system:serviceaccount:"));
        let (namespace, service_account) =
            account.and_then(|account| account.split_once(':')).ok_or(Refused::NoPod)?;
        Ok(Self {
            namespace: namespace.into(),
            service_account: service_account.into(),
            name: extra(user, "authentication.kubernetes.io/pod-name")?,
            uid: extra(user, "authentication.kubernetes.io/pod-uid")?,
        })
    }

    fn is_gateway(&self, namespace: &str) -> bool {
        self.namespace == namespace && self.service_account == "prepl-gateway"
    }
}

fn extra(user: &UserInfo, key: &str) -> Result<String, Refused> {
    match user.extra.as_ref().and_then(|extra| extra.get(key)).map(Vec::as_slice) {
        Some([one]) => Ok(one.clone()),
        _ => Err(Refused::NoPod),
    }
}

/// Whether the pod that is there now is the token's, lives, and was injected.
pub fn check_sidecar(identity: &PodIdentity, pod: Option<&Pod>) -> Result<(), Refused> {
    let pod = pod.ok_or(Refused::PodGone)?;
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let over = matches!(phase, Some("Succeeded" | "Failed"));
    if pod.metadata.uid.as_deref() != Some(&identity.uid) || over {
        return Err(Refused::PodGone);
    }
    let injected = pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_INJECTED));
    if injected.map(String::as_str) == Some("true") { Ok(()) } else { Err(Refused::NotInjected) }
}

/// The service.
pub struct EnrolmentService {
    /// Calls the API server.
    pub client: Client,
    /// Sign.
    pub authorities: Authorities,
    /// How long a pod's certificate is valid; it asks for the next at half of it.
    pub lifetime: Duration,
    /// The installation.
    pub domain: TrustDomain,
    /// The controller's namespace, which is the gateways' too.
    pub namespace: String,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl EnrolmentService {
    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, Refused> {
        if request.token.len() > MAX_TOKEN_BYTES || request.csr.len() > MAX_REQUEST_BYTES {
            return Err(Refused::TooLarge);
        }
        let identity = self.review(&request.token).await?;
        let name = self.name_for(&identity).await?;
        let trust = self.authorities.current();
        let certificate = trust.signing.sign(&request.csr, &name, self.lifetime)?;
        tracing::info!(%name, namespace = identity.namespace, pod = identity.name, "enrolled");
        Ok(EnrolReply { certificate, authorities: trust.anchors.clone() })
    }

    /// The token goes to the API server and nowhere else.
    async fn review(&self, token: &str) -> Result<PodIdentity, Refused> {
        let review = TokenReview {
            metadata: ObjectMeta::default(),
            spec: TokenReviewSpec {
                audiences: Some(vec![AUDIENCE.into()]),
                token: Some(token.to_owned()),
            },
            status: None,
        };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = in_time(api.create(&params, &review)).await?;
        PodIdentity::of(&answer.status.unwrap_or_default())
    }

    async fn name_for(&self, identity: &PodIdentity) -> Result<Name, Refused> {
        let domain = &self.domain;
        if identity.is_gateway(&self.namespace) {
            return Ok(Name::gateway(domain, &identity.uid)?);
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &identity.namespace);
        let pod = in_time(pods.get_opt(&identity.name)).await?;
        check_sidecar(identity, pod.as_ref())?;
        Ok(Name::sidecar(domain, &identity.uid)?)
    }
}

async fn in_time<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, Refused> {
    match time::timeout(PATIENCE, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Refused::TooSlow),
    }
}

#[tonic::async_trait]
impl Enrolment for EnrolmentService {
    async fn enrol(&self, request: Request<EnrolRequest>) -> Result<Response<EnrolReply>, Status> {
        match EnrolmentService::enrol(self, request.get_ref()).await {
            Ok(reply) => {
                self.metrics.enrolled.add();
                Ok(Response::new(reply))
            }
            Err(refused) => {
                self.metrics.enrolment_refused.add();
                tracing::warn!(reason = %refused, "a pod was not enrolled");
                Err(refused.status())
            }
        }
    }
}
