//! The words of prepl as types: data, invariants and ports.
//!
//! Everything here is a value that cannot hold nonsense, or a trait that the outside implements.
//! This crate must not know: I/O, clocks, an async runtime, Kubernetes, gRPC or certificates.
//!
//! Reading order: [`replica`] who can answer · [`labels`] and [`selection`] who is asked · [`id`],
//! [`expression`], [`origin`], [`limits`] and [`evaluation`] what is asked, [`input`] what it reads
//! meanwhile · [`event`] what comes back · [`outcome`] how it ended · [`report`] the merged stream of a run · [`exit`] the verdict of a run
//! · [`describe`] and [`read_only`] what a runtime can do · [`claim`] what a user signs, with
//! [`membership`] of its replicas · [`digest`] what stands for a text · [`ports`] what others
//! implement.

pub mod claim;
pub mod describe;
pub mod digest;
pub mod evaluation;
pub mod event;
pub mod exit;
pub mod expression;
pub mod id;
pub mod input;
pub mod labels;
pub mod limits;
pub mod membership;
pub mod origin;
pub mod outcome;
pub mod ports;
pub mod read_only;
pub mod replica;
pub mod report;
pub mod selection;

pub use claim::{Claim, Deed};
pub use describe::{Description, InterruptStrength, LoadedFile};
pub use digest::Digest;
pub use evaluation::Evaluation;
pub use event::{Done, Event, Raised, Stream, Timings, Value};
pub use exit::ExitCode;
pub use expression::Expression;
pub use id::{RequestId, RunId, SessionName};
pub use input::{Input, NoInput};
pub use labels::{LabelSelector, Labels};
pub use limits::{Limits, Patience};
pub use origin::{FileName, Origin};
pub use outcome::{Class, Counts, Outcome, Reason, Refusal};
pub use replica::{Replica, ReplicaId, ReplicaIndex, Workload};
pub use report::{Answer, Report, Summary};
pub use selection::{Query, Selection};
