//! Many replicas, one stream of events.
