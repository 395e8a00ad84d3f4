//! Whether a pod gets a sidecar, and the change that puts it there; nothing here talks to a
//! cluster.

use k8s_openapi::api::core::v1::Pod;
use prepl_core::read_only::Function;
use prepl_crd::labels::{
    ANNOTATION_CONTAINER, ANNOTATION_LOG_LEVEL, ANNOTATION_REPL, CONTAINER, LABEL_INJECT,
    LABEL_INJECTED, PREFIX,
};
use serde_json::{Value, json};

/// Characters of a foreign text that are repeated.
const MAX_SHOWN: usize = 80;
/// The volume that holds the pod's token for the controller.
const TOKEN_VOLUME: &str = "prepl-token";
/// The volume in which the sidecar keeps whom to trust.
const STATE_VOLUME: &str = "prepl-state";
/// Where that is mounted.
const STATE_FOLDER: &str = "/var/lib/prepl";
/// The most bytes of an annotation's value.
const MAX_VALUE_BYTES: usize = 256;

/// What every sidecar of this cluster is started with.
#[derive(Clone, Debug)]
pub struct SidecarSettings {
    /// The image.
    pub image: String,
    /// Where a sidecar enrols: `IP:PORT`.
    pub enrol: String,
    /// By which authorities it checks the controller, in PEM.
    pub authorities: String,
    /// The installation's name in certificates.
    pub trust_domain: String,
    /// The namespace of prepl.
    pub namespace: String,
    /// What a sidecar may use, as a container's `resources`.
    pub resources: Value,
}

/// What becomes of one pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It did not ask.
    NotAsked,
    /// It has its sidecar already.
    Already,
    /// It gets one by this JSON Patch (RFC 6902).
    Inject(Vec<Value>),
    /// It asked, and gets none.
    Skip(Skip),
}

/// Why a pod that asked gets no sidecar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// No address of a REPL.
    #[error(
        "the pod has no annotation {ANNOTATION_REPL}; add it, e.g. {ANNOTATION_REPL}: nrepl://127.0.0.1:7888"
    )]
    NoRepl,
    /// The address of the REPL leads out of the pod, or is none.
    #[error(
        "the annotation {ANNOTATION_REPL} names no REPL within the pod; write nrepl://127.0.0.1:PORT, \
         clojure://127.0.0.1:PORT or rhai:, the first two with ?read-only=NAMESPACE/NAME at will"
    )]
    BadRepl,
    /// An annotation that nobody reads.
    #[error(
        "the annotation {0} is unknown; use {ANNOTATION_REPL}, {ANNOTATION_CONTAINER} and \
         {ANNOTATION_LOG_LEVEL} alone"
    )]
    UnknownAnnotation(String),
    /// The REPL is said to be in a container that is not there.
    #[error("the annotation {ANNOTATION_CONTAINER} names no container of the pod")]
    NoContainer,
    /// The level is none.
    #[error("the annotation {ANNOTATION_LOG_LEVEL} is none of error, warn, info and debug")]
    BadLogLevel,
    /// The sidecar's port would be the node's.
    #[error(
        "the pod uses the node's network; prepl reaches only pods with an address of their own"
    )]
    HostNetwork,
    /// Nothing for Linux runs there.
    #[error("the pod is for Windows; prepl has a sidecar for Linux alone")]
    Windows,
    /// The kubelet makes it from a file, and it can have no token.
    #[error("the pod is a static one, which the kubelet makes and which can have no token")]
    StaticPod,
    /// The sidecar would take of what was meant for the app, and may not fit.
    #[error("the pod has resources as a whole (spec.resources); give them to its containers")]
    PodResources,
    /// Something else has the name.
    #[error("the pod has a container or volume named {0} of its own; rename it")]
    NameTaken(&'static str),
    /// The circuit breaker is open.
    #[error(
        "the sidecars of other pods do not start, so new pods get none; see the events of those pods; \
         injection is tried again by itself"
    )]
    BreakerOpen,
}

impl Skip {
    /// One word for events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Skip::NoRepl => "NoRepl",
            Skip::BadRepl => "BadRepl",
            Skip::UnknownAnnotation(_) => "UnknownAnnotation",
            Skip::NoContainer => "NoContainer",
            Skip::BadLogLevel => "BadLogLevel",
            Skip::HostNetwork => "HostNetwork",
            Skip::Windows => "Windows",
            Skip::StaticPod => "StaticPod",
            Skip::PodResources => "PodResources",
            Skip::NameTaken(_) => "NameTaken",
            Skip::BreakerOpen => "BreakerOpen",
        }
    }
}

/// Judges a pod that is about to be created.
#[must_use]
pub fn judge(pod: &Pod, settings: &SidecarSettings) -> Verdict {
    if label(pod, LABEL_INJECT) != Some("true") {
        return Verdict::NotAsked;
    }
    if label(pod, LABEL_INJECTED) == Some("true") && has_sidecar(pod) {
        return Verdict::Already;
    }
    match wishes(pod) {
        Ok(wishes) => Verdict::Inject(patch(pod, &wishes, settings)),
        Err(skip) => Verdict::Skip(skip),
    }
}

/// What the pod's annotations ask for, checked.
struct Wishes<'a> {
    repl: &'a str,
    log_level: Option<&'a str>,
}

fn wishes(pod: &Pod) -> Result<Wishes<'_>, Skip> {
    let spec = pod.spec.as_ref();
    if spec.and_then(|spec| spec.host_network) == Some(true) {
        return Err(Skip::HostNetwork);
    }
    fits(pod)?;
    free_names(pod)?;
    known_annotations(pod)?;
    let repl = annotation(pod, ANNOTATION_REPL).ok_or(Skip::NoRepl)?;
    if !is_within_pod(repl) {
        return Err(Skip::BadRepl);
    }
    let mut containers = spec.into_iter().flat_map(|spec| &spec.containers);
    let named = annotation(pod, ANNOTATION_CONTAINER);
    if named.is_some_and(|name| !containers.any(|container| container.name == name)) {
        return Err(Skip::NoContainer);
    }
    let log_level = annotation(pod, ANNOTATION_LOG_LEVEL);
    match log_level {
        None | Some("error" | "warn" | "info" | "debug") => Ok(Wishes { repl, log_level }),
        Some(_) => Err(Skip::BadLogLevel),
    }
}

/// Pods in which a sidecar would make invalid what is valid without it.
fn fits(pod: &Pod) -> Result<(), Skip> {
    let spec = pod.spec.as_ref();
    if spec.and_then(|spec| spec.os.as_ref()).is_some_and(|os| os.name == "windows") {
        return Err(Skip::Windows);
    }
    if annotation(pod, "kubernetes.io/config.mirror").is_some() {
        return Err(Skip::StaticPod);
    }
    if spec.is_some_and(|spec| spec.resources.is_some()) {
        return Err(Skip::PodResources);
    }
    Ok(())
}

fn free_names(pod: &Pod) -> Result<(), Skip> {
    let Some(spec) = &pod.spec else { return Ok(()) };
    let init = spec.init_containers.iter().flatten();
    if init.chain(&spec.containers).any(|container| container.name == CONTAINER) {
        return Err(Skip::NameTaken(CONTAINER));
    }
    let taken = |name: &&str| spec.volumes.iter().flatten().any(|volume| volume.name == *name);
    if let Some(name) = [TOKEN_VOLUME, STATE_VOLUME].into_iter().find(taken) {
        return Err(Skip::NameTaken(name));
    }
    Ok(())
}

fn known_annotations(pod: &Pod) -> Result<(), Skip> {
    let keys = pod.metadata.annotations.iter().flat_map(|all| all.keys());
    let known =
        |key: &str| [ANNOTATION_REPL, ANNOTATION_CONTAINER, ANNOTATION_LOG_LEVEL].contains(&key);
    match keys.into_iter().find(|key| key.starts_with(PREFIX) && !known(key)) {
        Some(key) => Err(Skip::UnknownAnnotation(shown(key))),
        None => Ok(()),
    }
}

/// Whoever reaches the webhook writes it, and it goes into logs and Events.
fn shown(key: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "./_-".contains(c) { c } else { '?' };
    key.chars().take(MAX_SHOWN).map(safe).collect()
}

/// What a sidecar understands, and no host but the pod itself: a sidecar must never be a way to
/// other machines, and one that cannot start would hold up its pod.
fn is_within_pod(url: &str) -> bool {
    if url == "rhai:" {
        return true;
    }
    let (place, setting) = match url.split_once('?') {
        Some((place, setting)) => (place, Some(setting)),
        None => (url, None),
    };
    let Some((kind, address)) = place.split_once("://") else { return false };
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    url.len() <= MAX_VALUE_BYTES
        && matches!(kind, "nrepl" | "clojure")
        && matches!(host, "127.0.0.1" | "localhost" | "[::1]")
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && setting.is_none_or(is_function)
}

fn is_function(setting: &str) -> bool {
    setting.strip_prefix("read-only=").is_some_and(|name| name.parse::<Function>().is_ok())
}

fn has_sidecar(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    containers.into_iter().any(|container| container.name == CONTAINER)
}

fn label<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.labels.as_ref()?.get(key).map(String::as_str)
}

fn annotation<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

fn patch(pod: &Pod, wishes: &Wishes<'_>, settings: &SidecarSettings) -> Vec<Value> {
    let spec = pod.spec.as_ref();
    let init = spec.and_then(|spec| spec.init_containers.as_ref()).is_some_and(|c| !c.is_empty());
    let volumes = spec.and_then(|spec| spec.volumes.as_ref()).is_some_and(|v| !v.is_empty());
    vec![
        json!({"op": "add", "path": "/metadata/labels/prepl.dev~1injected", "value": "true"}),
        append("/spec/initContainers", init, container(wishes, settings)),
        append("/spec/volumes", volumes, token_volume()),
        append("/spec/volumes", true, state_volume()),
    ]
}

fn append(list: &str, exists: bool, value: Value) -> Value {
    if exists {
        json!({"op": "add", "path": format!("{list}/-"), "value": value})
    } else {
        json!({"op": "add", "path": list, "value": [value]})
    }
}

/// A sidecar as Kubernetes means it: an init container that goes on, so that it ends after the app.
fn container(wishes: &Wishes<'_>, settings: &SidecarSettings) -> Value {
    json!({
        "name": CONTAINER,
        "image": settings.image,
        "imagePullPolicy": "IfNotPresent",
        "restartPolicy": "Always",
        "args": [
            "serve", "--enrol", settings.enrol, "--state", STATE_FOLDER,
            "--listen", "0.0.0.0:7070", "--repl", wishes.repl,
        ],
        "env": environment(wishes, settings),
        "ports": [{"name": "prepl", "containerPort": 7070}],
        "volumeMounts": [
            {"name": TOKEN_VOLUME, "mountPath": "/var/run/secrets/prepl", "readOnly": true},
            {"name": STATE_VOLUME, "mountPath": STATE_FOLDER},
        ],
        "resources": settings.resources,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "readOnlyRootFilesystem": true,
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    })
}

fn environment(wishes: &Wishes<'_>, settings: &SidecarSettings) -> Value {
    let uid = json!({"fieldRef": {"fieldPath": "metadata.uid"}});
    let namespace = json!({"fieldRef": {"fieldPath": "metadata.namespace"}});
    let mut all = vec![
        json!({"name": "PREPL_POD_UID", "valueFrom": uid}),
        json!({"name": "PREPL_TRUST_DOMAIN", "value": settings.trust_domain}),
        json!({"name": "PREPL_ENROL_AUTHORITIES", "value": settings.authorities}),
        json!({"name": "PREPL_NAMESPACE", "valueFrom": namespace}),
        json!({"name": "PREPL_SYSTEM_NAMESPACE", "value": settings.namespace}),
    ];
    all.extend(wishes.log_level.map(|level| json!({"name": "PREPL_LOG", "value": level})));
    Value::Array(all)
}

fn token_volume() -> Value {
    let token = json!({"audience": "prepl", "expirationSeconds": 3600, "path": "token"});
    json!({"name": TOKEN_VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}})
}

/// Outlives the sidecar's container, not its pod: a pod can be older than the authority.
fn state_volume() -> Value {
    json!({"name": STATE_VOLUME, "emptyDir": {"sizeLimit": "1Mi"}})
}
