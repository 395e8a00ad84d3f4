//! nREPL: bencoded dicts over TCP, tolerant of what its many servers make of it.
//!
//! Protocol: <https://nrepl.org/nrepl/design/overview.html>. Seen on real servers: a reader error
//! stops a text and a thrown exception does not, so an evaluation succeeded when nothing raised,
//! not when the last form gave a value; `interrupted` means "asked", not "stopped"; output of an
//! evaluation may come after its end.
//!
//! Reading order: [`codec`] requests and replies · [`throwable`] a printed exception ·
//! `running` what the running evaluation says · `read_only` an evaluation within a function of the
//! app · [`conversation`] the state machine.

pub mod codec;
pub mod conversation;
mod read_only;
mod running;
pub mod throwable;

pub use conversation::Nrepl;

/// A session that had so many evaluations is cloned, and goes on as its clone.
///
/// nREPL 1.0.0 overflows its stack after about 2,372 evaluations in one session and answers none
/// after that. A clone has the namespace, `*1` and what else was bound, and a stack of its own.
pub const WORN_AFTER: u32 = 1_500;
