//! How much memory this process holds.

use std::fs;

/// Linux counts in pages; 4 KiB is the smallest, so the answer is never too high.
const PAGE_BYTES: u64 = 4096;

/// Returns the resident bytes of this process, zero where `/proc` does not say.
///
/// Rhai bounds each value but not how many of them a native `map` or `for_each`
/// holds at once; only the process knows the sum.
pub(crate) fn resident_bytes() -> u64 {
    fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok())
        .map_or(0, |pages| pages.saturating_mul(PAGE_BYTES))
}
