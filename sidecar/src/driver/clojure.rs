//! The plain Clojure socket REPL, upgraded in band: nothing changes in the app.
//!
//! `clojure.core.server/repl` tells values from printed text by nothing at all. So the first form
//! sent is a program of ours, `clojure/upgrade.clj`: it takes the connection over and speaks
//! lines, with a tag, an id, limits and interrupts. Its head describes them.
//!
//! The text goes over as it stands, comments and all: the REPL's own reader skips them, and a
//! second reader of ours could only be wrong about it.
//!
//! Reading order: `clojure/upgrade.clj` the app's end · [`codec`] lines and back ·
//! `running` the evaluation that runs · [`conversation`] the state machine.

pub mod codec;
pub mod conversation;
mod running;

pub use conversation::Clojure;
