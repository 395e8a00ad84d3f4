//! `prepl repl` in a terminal and in a pipe: the built binary, real sidecars, Rhai and Clojure.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod clojure;
mod cluster;
mod fleet;
mod piped;
mod screens;
#[expect(dead_code, reason = "other tests ask for more")]
#[path = "../audit/town.rs"]
mod town;
mod typed;
