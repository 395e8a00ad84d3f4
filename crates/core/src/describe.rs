//! What a runtime behind a sidecar is and can do.

use std::sync::Arc;
use std::time::SystemTime;

use crate::read_only::Keeper;
use crate::{Digest, FileName};

/// Most files that a sidecar remembers and tells.
pub const MAX_LOADED: usize = 64;

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
    /// The files that were last loaded into the app's process, the latest last; at most
    /// [`MAX_LOADED`], of each name one.
    pub loaded: Vec<LoadedFile>,
}

/// A whole file that was loaded to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// Its name.
    pub file: FileName,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// When it was loaded, by the sidecar's clock.
    pub at: SystemTime,
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
