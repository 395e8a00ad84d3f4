//! Workload names, certificates and mutual TLS.
