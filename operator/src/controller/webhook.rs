//! The mutating webhook that the API server asks about pods: it admits every one of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Json, State};
use axum::routing::post;
use k8s_openapi::api::core::v1::Pod;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use serde_json::Value;

use super::breaker::Breaker;
use super::events::{self, Skipped};
use super::inject::{SidecarSettings, Skip, Verdict, judge};
use super::metrics::Metrics;
use super::trust::Authorities;

/// The most bytes of a review: a pod has at most 1.5 MiB, and stands in it once, or twice.
const MAX_REVIEW_BYTES: usize = 3 * 1024 * 1024;
/// How long an event may take; nobody waits for it.
const EVENT_PATIENCE: Duration = Duration::from_secs(5);

/// What the webhook works with.
pub struct Webhook {
    /// Writes events.
    pub client: kube::Client,
    /// How sidecars are started.
    pub settings: SidecarSettings,
    /// Whom sidecars are to trust.
    pub authorities: Authorities,
    /// Whether injection is stopped.
    pub breaker: Arc<Breaker>,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The route `/inject`.
pub fn router(webhook: Webhook) -> Router {
    Router::new()
        .route("/inject", post(inject))
        .layer(DefaultBodyLimit::max(MAX_REVIEW_BYTES))
        .with_state(Arc::new(webhook))
}

async fn inject(
    State(webhook): State<Arc<Webhook>>,
    Json(review): Json<AdmissionReview<Pod>>,
) -> Json<AdmissionReview<DynamicObject>> {
    // The conversion keeps the review's version, which the answer must repeat.
    let request: Result<AdmissionRequest<Pod>, _> = review.try_into();
    let response = match request {
        Ok(request) => webhook.answer(&request),
        Err(_) => AdmissionResponse::invalid("the review has no request; send AdmissionReview v1"),
    };
    Json(response.into_review())
}

impl Webhook {
    fn settings(&self) -> SidecarSettings {
        let authorities = self.authorities.current().anchors.clone();
        SidecarSettings { authorities, ..self.settings.clone() }
    }

    fn answer(&self, request: &AdmissionRequest<Pod>) -> AdmissionResponse {
        let admitted = AdmissionResponse::from(request);
        let Some(pod) = &request.object else { return admitted };
        match self.verdict(pod) {
            Verdict::NotAsked | Verdict::Already => admitted,
            Verdict::Inject(patch) => self.patched(request, patch),
            Verdict::Skip(skip) => {
                let namespace = request.namespace.clone().unwrap_or_default();
                tracing::warn!(namespace, reason = skip.reason(), "a pod got no sidecar: {skip}");
                let mut admitted = admitted;
                admitted.warnings = Some(vec![format!("prepl: no sidecar: {skip}")]);
                if !request.dry_run {
                    self.metrics.skipped.add();
                    self.write_event(Skipped::new(namespace, pod, &skip));
                }
                admitted
            }
        }
    }

    fn verdict(&self, pod: &Pod) -> Verdict {
        match judge(pod, &self.settings()) {
            Verdict::Inject(_) if self.breaker.is_open() => Verdict::Skip(Skip::BreakerOpen),
            verdict => verdict,
        }
    }

    fn patched(&self, request: &AdmissionRequest<Pod>, patch: Vec<Value>) -> AdmissionResponse {
        let admitted = AdmissionResponse::from(request);
        let patch = serde_json::from_value(Value::Array(patch));
        match patch.map(|patch| admitted.with_patch(patch)) {
            Ok(Ok(patched)) => {
                if !request.dry_run {
                    self.metrics.injected.add();
                }
                patched
            }
            Ok(Err(_)) | Err(_) => {
                self.metrics.skipped.add();
                tracing::error!("the patch for a pod could not be written: a fault of prepl");
                AdmissionResponse::from(request)
            }
        }
    }

    fn write_event(&self, skipped: Skipped) {
        let client = self.client.clone();
        tokio::spawn(tokio::time::timeout(EVENT_PATIENCE, events::write(client, skipped)));
    }
}
