//! The one sandboxed Rhai engine.
//!
//! A [`Session`] evaluates text against what its [`Sight`] lets a script see and
//! within its [`Limits`]. The crate is the only one that names `rhai`; it knows
//! nothing of the wire, of replicas or of who is asking.
//!
//! The text is hostile until it has been evaluated. What holds it:
//!
//! - no modules, no `eval`, no `sleep`, no closures over variables: the pieces of
//!   Rhai whose cost or depth cannot be bounded are left out at compile time;
//! - every other limit of Rhai is set, and the same in debug and release;
//! - an evaluation runs on a script thread whose stack is deep enough for the
//!   deepest value the limits allow, because Rhai itself does not bound that depth;
//!   only what is over at once and touches nothing runs on the caller's (`trial.rs`).
//!
//! Reading order: `limits` how much, `sight` and `given` of what · `engine` what all sessions
//! share, with `text` and `bounded` for what would outgrow a limit · `session` what outlives an
//! evaluation, `evaluation` one of them: on a thread of `threads`, or at once by `trial` · `turn`
//! what it may still use, `stop` its end from outside, `memory` that of the process · `value` what
//! it answers with, `fault` why it has none, `unreadable` why a text is none.

mod bounded;
mod engine;
mod evaluation;
mod fault;
mod given;
mod limits;
mod memory;
mod session;
mod sight;
mod stop;
mod text;
mod threads;
mod trial;
mod turn;
mod unreadable;
mod value;

pub use engine::Engine;
pub use fault::{Bound, Fault};
pub use given::Given;
pub use limits::{Bounds, Limits};
pub use session::Session;
pub use sight::Sight;
pub use stop::Stop;
pub use turn::Said;
pub use value::Value;

/// Version of Rhai, in its own words.
pub const VERSION: &str = "1.27";
