//! The one sandboxed Rhai engine.
