//! The controller: injection, enrolment, access requests.
//!
//! Reading order: [`settings`] arguments · [`labels`] the words of pods · [`inject`] which pods get
//! a sidecar · [`webhook`] the API server asks · [`events`] why there is none · [`authority`] the
//! key of the installation · [`enrolment`] certificates for pods · [`canary`] whether users can be
//! believed · [`access`] certificates for users · [`listener`] TLS · [`metrics`] · [`run`] all of
//! it, started.

pub mod access;
pub mod authority;
pub mod canary;
pub mod enrolment;
pub mod events;
pub mod inject;
pub mod labels;
pub mod listener;
pub mod metrics;
pub mod run;
pub mod settings;
pub mod webhook;

pub use run::run;
pub use settings::Args;
