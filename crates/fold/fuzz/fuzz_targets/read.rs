//! Any text: reading does not panic, and a canonical text reads as the same value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prepl_fold::{canonical, read, shape};

const MAX_BYTES: usize = 1 << 16;

fuzz_target!(|text: &str| {
    let Some(value) = read(text, MAX_BYTES) else { return };
    let again = read(&canonical(&value), usize::MAX);
    assert_eq!(again.as_ref(), Some(&value));
    let _ = shape(&value);
});
