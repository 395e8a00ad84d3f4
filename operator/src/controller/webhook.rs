//! The mutating webhook that the API server asks about pods: it admits every one of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Json, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::post;
use k8s_openapi::api::core::v1::Pod;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use prepl_runtime::seldom::Seldom;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::breaker::Breaker;
use super::events::{self, Warning};
use super::inject::{SidecarSettings, Skip, Verdict, judge};
use super::metrics::Metrics;
use super::trust::Authorities;

/// The most bytes of a review: a pod has at most 1.5 MiB, and stands in it once, or twice.
const MAX_REVIEW_BYTES: usize = 3 * 1024 * 1024;
/// Reviews that are read at a time.
const MAX_REVIEWS: usize = 16;
/// How long one may take; the API server waits three seconds.
const REVIEW_PATIENCE: Duration = Duration::from_secs(5);
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
    /// Bounds what is written about pods.
    pub events: Seldom,
}

/// The route `/inject`.
pub fn router(webhook: Webhook) -> Router {
    Router::new()
        .route("/inject", post(inject))
        .layer(DefaultBodyLimit::max(MAX_REVIEW_BYTES))
        .layer(from_fn_with_state(Arc::new(Semaphore::new(MAX_REVIEWS)), in_turn))
        .with_state(Arc::new(webhook))
}

/// Few reviews are in memory at a time, and none for long: a slow one is given up.
async fn in_turn(
    State(turns): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let answer = async {
        // The semaphore is never closed; without a place there would only be more at a time.
        let _turn = turns.acquire().await;
        next.run(request).await
    };
    timeout(REVIEW_PATIENCE, answer).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)
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
                let mut admitted = admitted;
                admitted.warnings = Some(vec![format!("prepl: no sidecar: {skip}")]);
                if !request.dry_run {
                    self.metrics.skipped.add();
                    self.tell(namespace, pod, &skip);
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

    /// Some a second: whoever reaches the webhook could fill the API server's store.
    fn tell(&self, namespace: String, pod: &Pod, skip: &Skip) {
        let Some(untold) = self.events.may_tell(Instant::now()) else { return };
        tracing::warn!(namespace, reason = skip.reason(), untold, "a pod got no sidecar: {skip}");
        let skipped = Warning::skipped(namespace, pod, skip);
        let client = self.client.clone();
        tokio::spawn(tokio::time::timeout(EVENT_PATIENCE, events::write(client, skipped)));
    }
}
