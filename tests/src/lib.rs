//! The in-process world and the tests that need it.
