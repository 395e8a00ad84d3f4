//! The whole way over real mutual TLS: gateway, sidecars, runtimes.

mod answers;
mod rights;
