//! Points in the code at which a test lets the whole process die, as a lost machine does.
//!
//! [`point`] is nothing, unless the build has the feature `armed`, which only tests turn on. An
//! armed process whose environment says `PREPL_FAULT_POINT=LABEL` kills itself by SIGKILL when it
//! passes that point: no destructor runs, nothing is flushed. `LABEL:N` means the N-th passing,
//! from 1.
//!
//! This crate must not know what happens at its points.
//!
//! A new point is a line `prepl_fault::point("label")` and its label in [`LABELS`]: the tests of
//! crashes go through the list, and fail on one that they do not come by.

#[cfg(feature = "armed")]
mod armed;

#[cfg(feature = "armed")]
pub use armed::VARIABLE;

/// All points: those of the log's writer, then those of a run and of a tunnel in their order.
pub const LABELS: &[&str] = &[
    // The audit log's writer: the bytes are written, and not durable yet.
    "audit.written",
    // They are durable, and nobody was told.
    "audit.synced",
    // A run may be, and nothing tells of it.
    "run.permitted",
    // Its intent is recorded, and nothing was sent.
    "run.recorded",
    // Input for it is recorded, and no replica has it.
    "input.recorded",
    // A replica has taken its request.
    "run.dispatched",
    // The first replica has told its outcome.
    "run.answered",
    // All have, and that is not recorded.
    "run.finished",
    // It is, and the caller has not had the last word.
    "run.told",
    // The intent of a tunnel is recorded, and it is not open.
    "tunnel.recorded",
    // What a caller says through it is recorded, and the REPL has none of it.
    "tunnel.told",
    // It is on its way there.
    "tunnel.passed",
];

/// Passes a point; see the crate's front page.
#[inline]
#[cfg_attr(not(feature = "armed"), expect(unused_variables, reason = "it is for tests"))]
pub fn point(label: &'static str) {
    #[cfg(feature = "armed")]
    armed::pass(label);
}
