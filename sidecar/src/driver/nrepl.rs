//! nREPL: bencoded dicts over TCP, tolerant of what its many servers make of it.
//!
//! Protocol: <https://nrepl.org/nrepl/design/overview.html>. Seen on real servers: a reader error
//! stops a text and a thrown exception does not, so an evaluation succeeded when nothing raised,
//! not when the last form gave a value; `interrupted` means "asked", not "stopped"; output of an
//! evaluation may come after its end.
//!
//! Reading order: [`codec`] requests and replies · [`throwable`] a printed exception ·
//! `running` what the running evaluation says · [`conversation`] the state machine.

pub mod codec;
pub mod conversation;
mod running;
pub mod throwable;

pub use conversation::Nrepl;

/// A session should be left for a new one after so many evaluations.
///
/// nREPL 1.0.0 overflows its stack after about 2,372 evaluations in one session and answers none
/// after that; 500 keeps well away from it, and a new session costs one `clone`.
pub const RETIRE_AFTER: u32 = 500;
