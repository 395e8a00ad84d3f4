//! A small Kubernetes API server for real clients: objects in memory, watches that stay open, and
//! rights that are a switch.
//!
//! It knows no kinds, no selectors and no admission: what is put there is there, and whoever lists
//! gets all of it.

mod place;
mod store;

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::ReceiverStream;

use place::Place;
use store::{Refused, Store};

/// Lines of a watch that may wait for its reader.
const WAITING: usize = 16;

/// The server; ends when it is dropped.
pub struct ApiServer {
    address: SocketAddr,
    inner: Arc<Inner>,
    task: AbortHandle,
}

#[derive(Default)]
struct Inner {
    store: Store,
    /// Users who may nothing.
    denied: Mutex<HashSet<String>>,
}

impl ApiServer {
    /// Starts one without objects; everybody may everything.
    pub async fn start() -> ApiServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inner = Arc::<Inner>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("a serving API server");
        });
        ApiServer { address, inner, task: task.abort_handle() }
    }

    /// Puts an object there, new or instead of another; watches tell it.
    pub fn put(&self, object: Value) {
        let place = Place::of(&object).expect("kind, version and name");
        self.inner.store.put(&place, object);
    }

    /// All objects of a resource, e.g. `pods`.
    pub fn objects(&self, resource: &str) -> Vec<Value> {
        self.inner.store.list(&Place::all(resource)).1
    }

    /// Takes all rights from a user.
    pub fn deny(&self, user: &str) {
        self.inner.denied.lock().expect("a lock").insert(user.to_owned());
    }

    /// Writes a kubeconfig for this server.
    pub fn write_kubeconfig(&self, folder: &Path) -> PathBuf {
        let path = folder.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": "test", "user": {} }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        });
        std::fs::write(&path, config.to_string()).expect("a file");
        path
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(place) = Place::parse(uri.path()) else { return status(StatusCode::NOT_FOUND) };
    let query = uri.query().unwrap_or_default();
    let sent: Option<Value> = serde_json::from_slice(&body).ok();
    let applies = headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with("application/apply-patch"))
    });
    let store = &inner.store;
    match (method, place.name.is_some(), sent) {
        (Method::GET, false, _) if parameter(query, "watch") == Some("true") => {
            let from = parameter(query, "resourceVersion").and_then(|text| text.parse().ok());
            watch(inner, place, from.unwrap_or_default())
        }
        (Method::GET, false, _) => {
            let (version, items) = store.list(&place);
            let metadata = json!({ "resourceVersion": version.to_string() });
            Json(
                json!({ "kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items }),
            )
            .into_response()
        }
        (Method::GET, true, _) => told(store.get(&place)),
        (Method::POST, false, Some(review)) if place.resource == "subjectaccessreviews" => {
            Json(inner.reviewed(review)).into_response()
        }
        (Method::POST, false, Some(mut review)) if place.resource == "selfsubjectreviews" => {
            review["status"] = json!({ "userInfo": { "username": "mira" } });
            Json(review).into_response()
        }
        (Method::POST, false, Some(object)) => told(store.create(&place, object)),
        (Method::PUT, true, Some(object)) => told(store.replace(&place, object)),
        (Method::PATCH, true, Some(patch)) => told(store.patch(&place, patch, applies)),
        (Method::DELETE, true, _) => told(store.delete(&place)),
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

impl Inner {
    fn reviewed(&self, mut review: Value) -> Value {
        let user = review["spec"]["user"].as_str().unwrap_or_default();
        let allowed = !self.denied.lock().expect("a lock").contains(user);
        review["status"] = json!({ "allowed": allowed });
        review
    }
}

fn told(done: Result<Value, Refused>) -> Response {
    match done {
        Ok(object) => Json(object).into_response(),
        Err(Refused::NotFound) => status(StatusCode::NOT_FOUND),
        Err(Refused::Exists | Refused::Conflict) => status(StatusCode::CONFLICT),
    }
}

/// What Kubernetes says of a failure.
fn status(code: StatusCode) -> Response {
    let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code.as_u16(),
    });
    (code, Json(body)).into_response()
}

/// Tells all changes after a version, and those to come, until nobody reads.
fn watch(inner: Arc<Inner>, place: Place, mut from: u64) -> Response {
    let (lines, stream) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let mut version = inner.store.version();
        loop {
            let seen = *version.borrow_and_update();
            for line in inner.store.changes(&place, from) {
                if lines.send(Ok::<_, Infallible>(line)).await.is_err() {
                    return;
                }
            }
            from = seen;
            tokio::select! {
                changed = version.changed() => changed.expect("the store is there"),
                () = lines.closed() => return,
            }
        }
    });
    Body::from_stream(ReceiverStream::new(stream)).into_response()
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}
