//! Bencode, bounded and incremental, as nREPL uses it.
//!
//! nREPL sends one bencoded dict per message and nothing between messages. This crate turns
//! bytes into values and values into bytes. It reads no socket, and it must not know what an
//! nREPL message means: which keys there are is the business of its users (the sidecar's driver
//! and the demo's service).
//!
//! The peer is not trusted. A [`Decoder`] takes bytes in pieces of any size, does a bounded
//! amount of work for each, and allocates for bytes that arrived, never for a length that
//! was only claimed.
//!
//! In reading order: [`Value`] (`value`), [`Malformed`] (`malformed`), single tokens (`scan`),
//! the [`Decoder`] that nests them (`decode`), and [`encode`] (`encode`).

mod decode;
mod encode;
mod malformed;
mod scan;
mod value;

pub use decode::{DEFAULT_MAX_MESSAGE, Decoder, MAX_DEPTH, MAX_ELEMENTS};
pub use encode::encode;
pub use malformed::Malformed;
pub use value::Value;
