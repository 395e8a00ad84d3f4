//! Many replicas, one stream of events, exactly one outcome each.
//!
//! [`start`] drives one expression over one selection through the port
//! [`prepl_core::ports::Connect`] and gives a [`Run`], the stream of [`prepl_core::Report`]s. One
//! slow, huge or garbage replica never holds up the others (P10), and what a sidecar sends is
//! bounded here too (P11). This crate must not know gRPC, certificates, Kubernetes, policy or how
//! answers are folded.
//!
//! Reading order: [`plan`] what to do · [`run`] the merged stream · `replica` one replica from
//! connect to outcome · `window` how many
//! at a time · `budget` what one replica may send · [`input`] what a run reads · [`stop`] ending a run
//! early.

mod budget;
pub mod input;
pub mod plan;
mod replica;
pub mod run;
pub mod stop;
mod window;

pub use input::Feeder;
pub use plan::Plan;
pub use run::{Run, start};
pub use stop::Stopper;
