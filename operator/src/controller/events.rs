//! Tells people what went wrong where they look for it: `kubectl get events`.

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};

use super::authority::MANAGER;
use super::checkpoints::Regress;
use super::inject::Skip;

/// What went wrong, and with what.
#[derive(Debug)]
pub struct Warning {
    namespace: String,
    about: ObjectReference,
    reason: &'static str,
    message: String,
}

impl Warning {
    /// A pod got no sidecar. It has no UID yet: the event is about its owner where there is one.
    #[must_use]
    pub fn skipped(namespace: String, pod: &Pod, skip: &Skip) -> Self {
        let owner = pod.metadata.owner_references.iter().flatten().next();
        let about = match owner {
            Some(owner) => ObjectReference {
                api_version: Some(owner.api_version.clone()),
                kind: Some(owner.kind.clone()),
                name: Some(owner.name.clone()),
                uid: Some(owner.uid.clone()),
                namespace: Some(namespace.clone()),
                ..ObjectReference::default()
            },
            None => ObjectReference {
                api_version: Some("v1".into()),
                kind: Some("Pod".into()),
                name: pod.metadata.name.clone().or_else(|| pod.metadata.generate_name.clone()),
                namespace: Some(namespace.clone()),
                ..ObjectReference::default()
            },
        };
        Self { namespace, about, reason: skip.reason(), message: format!("no sidecar: {skip}") }
    }

    /// An audit log contradicts its checkpoints.
    #[must_use]
    pub fn regressed(about: ObjectReference, regress: &Regress) -> Self {
        let namespace = about.namespace.clone().unwrap_or_default();
        Self { namespace, about, reason: "AuditRegressed", message: regress.to_string() }
    }

    /// Break-glass is used.
    #[must_use]
    pub fn break_glass(about: ObjectReference, message: String) -> Self {
        let namespace = about.namespace.clone().unwrap_or_default();
        Self { namespace, about, reason: "BreakGlass", message }
    }

    fn event(self) -> Event {
        let now = Some(Time(Timestamp::now()));
        Event {
            metadata: ObjectMeta { generate_name: Some("prepl-".into()), ..ObjectMeta::default() },
            involved_object: self.about,
            type_: Some("Warning".into()),
            reason: Some(self.reason.into()),
            message: Some(self.message),
            source: Some(EventSource { component: Some(MANAGER.into()), host: None }),
            first_timestamp: now.clone(),
            last_timestamp: now,
            count: Some(1),
            ..Event::default()
        }
    }
}

/// Writes the event; one that cannot be written is only logged.
pub async fn write(client: Client, warning: Warning) {
    let events: Api<Event> = Api::namespaced(client, &warning.namespace);
    if let Err(error) = events.create(&PostParams::default(), &warning.event()).await {
        tracing::warn!(%error, "an event could not be written");
    }
}
