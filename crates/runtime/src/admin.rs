//! The admin port: `/healthz`, `/readyz` and `/metrics`, for the kubelet and for Prometheus.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

/// What a daemon tells of itself.
pub trait Vitals: Send + Sync + 'static {
    /// Whether it can do its work now.
    fn is_ready(&self) -> bool;
    /// Its counters in the text format of Prometheus, version 0.0.4; no values, no names of users.
    fn metrics(&self) -> String;
}

/// Serves the three paths until the listener fails.
pub async fn serve(listener: TcpListener, vitals: Arc<dyn Vitals>) -> io::Result<()> {
    axum::serve(listener, router(vitals)).await
}

fn router(vitals: Arc<dyn Vitals>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(vitals)
}

async fn ready(State(vitals): State<Arc<dyn Vitals>>) -> (StatusCode, &'static str) {
    if vitals.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn metrics(State(vitals): State<Arc<dyn Vitals>>) -> String {
    vitals.metrics()
}
