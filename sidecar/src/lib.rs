//! One pod's end of prepl: who may ask, sessions, limits and drivers.
//!
//! A request passes these in order: [`serve`] (mutual TLS) → [`service`] (gRPC) → [`admit`] (who
//! may), [`claims`] (what a user signed) → [`ledger`] (once) → [`evaluator`] (queue, time) →
//! [`session`] (REPL state) → [`driver`] (the protocol) → the app's REPL. What the REPL says comes
//! back through [`meter`] (limits) and [`recorder`] (reader and ledger). [`budget`] bounds what
//! large answers hold meanwhile, [`portion`] what one [`caller`] takes. A [`tunnel`] leads to the REPL
//! past all of that.
//!
//! [`args`] the command line · [`run`] all of it, started · [`endpoint`] where the app's REPL is,
//! [`read_only`] what keeps it from writing, [`loaded`] the files that were loaded into it, [`stop`] how an evaluation is ended and
//! [`input`] what it reads · [`allocator`]
//! how memory goes back to the system.
//!
//! This crate must not know Kubernetes, other replicas, or how answers are folded.

pub mod admit;
pub mod allocator;
pub mod args;
pub mod budget;
pub mod caller;
pub mod claims;
pub mod driver;
pub mod endpoint;
pub mod evaluator;
pub mod input;
pub mod ledger;
pub mod loaded;
pub mod meter;
pub mod portion;
pub mod read_only;
pub mod recorder;
pub mod run;
pub mod serve;
pub mod service;
pub mod session;
pub mod stop;
pub mod tunnel;
