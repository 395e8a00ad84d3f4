//! A fleet on the spot: service, sidecars and CLI in one binary.
