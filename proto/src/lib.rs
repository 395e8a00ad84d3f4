//! The wire: protobuf messages and their conversions.
