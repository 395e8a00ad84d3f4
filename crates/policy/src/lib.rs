//! Who may, and how much: pure decisions that deny what nothing allows.
//!
//! [`decide`] is the one maker of a [`Permit`], and a gateway evaluates on nothing but a permit,
//! taken by value: what was not decided does not compile. [`judge()`] takes a permit to the
//! policies that are about its replicas, and gives it back with their ceilings, or not at all. This
//! crate must not know: where rights and policies come from (a fleet's folder, Kubernetes), how a
//! script is run, clocks, I/O.
//!
//! Reading order: [`permit`] rights · [`mode`] · [`draft`] a policy as it was written, [`policy`]
//! as it was checked (`check`, [`pattern`]) · [`request`] what is asked, and what is known about
//! who asks · [`approval`] what others say to it · [`ruling`] what a rule says ·
//! [`judge`](mod@judge) all rules of all policies, and `rules` each of them · [`expressions`]
//! scripts that judge an expression.

pub mod approval;
mod check;
pub mod draft;
pub mod expressions;
pub mod judge;
pub mod mode;
pub mod pattern;
pub mod permit;
pub mod policy;
pub mod request;
mod rules;
pub mod ruling;

pub use approval::{Approval, Approvals, Decision, Person, Subject};
pub use draft::{BadPolicy, Draft};
pub use expressions::{Expressions, Seen};
pub use judge::{Against, Denied, Judged, Verdicts, judge, redaction};
pub use mode::Mode;
pub use permit::{Denial, Permit, Verdict, decide};
pub use policy::{Policy, Redaction, Scope};
pub use request::{BadGrounds, BreakGlass, Grounds, Known, Request};
pub use ruling::{Amount, Owed, Rule, Ruling};
