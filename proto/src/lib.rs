//! The wire: generated messages of `prepl/v1/*.proto`, and their conversions to core.
//!
//! Wire types stop at the edge: services convert with [`convert`] and work with core's types.
//! This crate must not know: certificates, sessions, drivers, how runs are planned.

pub mod convert;

/// Messages and services of `prepl.v1`, generated from `prepl/v1/*.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("prepl.v1");
}
