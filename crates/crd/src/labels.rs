//! Labels, annotations and names by which prepl and a cluster's users understand each other.

/// What every label and annotation of prepl begins with.
pub const PREFIX: &str = "prepl.dev/";
/// Label by which a namespace lets prepl in (`enabled`), and a pod asks for a sidecar (`"true"`).
pub const LABEL_INJECT: &str = "prepl.dev/inject";
/// Label of a pod that was given one: `"true"`.
pub const LABEL_INJECTED: &str = "prepl.dev/injected";
/// Annotation: where the app's REPL is, e.g. `nrepl://127.0.0.1:7888`.
pub const ANNOTATION_REPL: &str = "prepl.dev/repl";
/// Annotation: the container that the REPL is in; without it, the pod's first one.
pub const ANNOTATION_CONTAINER: &str = "prepl.dev/container";
/// Annotation: `error`, `warn`, `info` or `debug`.
pub const ANNOTATION_LOG_LEVEL: &str = "prepl.dev/log-level";
/// The sidecar's container.
pub const CONTAINER: &str = "prepl";
/// For whom the tokens are by which pods enrol.
pub const AUDIENCE: &str = "prepl";
