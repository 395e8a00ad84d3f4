//! The pipeline from a request to one answer.
