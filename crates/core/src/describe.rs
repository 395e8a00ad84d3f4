//! What a runtime behind a sidecar is and can do.

use std::sync::Arc;

use crate::read_only::Keeper;

/// What a sidecar tells about itself and its runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Version of the sidecar.
    pub sidecar_version: Arc<str>,
    /// Protocol the sidecar speaks to the runtime: `nrepl`, `clojure`, `rhai`.
    pub driver: Arc<str>,
    /// Language of the runtime: `clojure`, `scheme`, `rhai`, …; empty when not told.
    pub language: Arc<str>,
    /// Version of the runtime in its own words; empty when not told.
    pub runtime_version: Arc<str>,
    /// What an interrupt can do there.
    pub interrupt: InterruptStrength,
    /// What keeps a read-only evaluation from writing there; without anything it is refused.
    pub read_only: Option<Keeper>,
}

/// What an interrupt can do in a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptStrength {
    /// The runtime cannot be asked to stop.
    None,
    /// The runtime is asked; code that does not listen runs on.
    Cooperative,
    /// The evaluation ends.
    Forced,
}
