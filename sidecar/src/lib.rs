//! One pod's end: sessions, limits, drivers.
