//! The controller: injection, enrolment, access requests, checkpoints of audit logs.
//!
//! Reading order: [`settings`] arguments · [`inject`] which pods get a sidecar · [`breaker`] when
//! nobody does · [`webhook`] the API server asks · [`events`] why there is none · [`trust`] who
//! signs and who is trusted, [`rotation`] how one authority follows another, [`authority`] both in
//! the cluster · [`enrolment`] certificates for pods · [`canary`] whether users can be believed ·
//! [`lease`] who leads: he alone does the next · [`access`] certificates for users, [`review`] what
//! others say to them, [`notary`] with [`checkpoints`] and [`audit_key`] the ends of audit logs,
//! signed · [`listener`] TLS · [`metrics`] · [`start`] all of it, started.

pub mod access;
pub mod audit_key;
pub mod authority;
pub mod breaker;
pub mod canary;
pub mod checkpoints;
pub mod enrolment;
pub mod events;
pub mod inject;
pub mod lease;
pub mod listener;
pub mod metrics;
pub mod notary;
pub mod review;
pub mod rotation;
pub mod settings;
pub mod start;
pub mod trust;
pub mod webhook;

pub use settings::Args;
pub use start::run;
