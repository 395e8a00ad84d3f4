//! How much memory this process holds.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

/// Linux counts in pages; 4 KiB is the smallest, so the answer is never too high.
const PAGE_BYTES: u64 = 4096;

/// Kept open: to open it takes ten times as long as to read it.
static STATM: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/statm").ok());

/// Returns the resident bytes of this process, zero where `/proc` does not say.
///
/// Rhai bounds each value but not how many of them a native `map` or `for_each`
/// holds at once; only the process knows the sum.
pub(crate) fn resident_bytes() -> u64 {
    resident_pages().map_or(0, |pages| pages.saturating_mul(PAGE_BYTES))
}

fn resident_pages() -> Option<u64> {
    // Seven numbers of at most 20 digits.
    let mut text = [0; 160];
    let length = STATM.as_ref()?.read_at(&mut text, 0).ok()?;
    let text = str::from_utf8(text.get(..length)?).ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_counted_each_time() {
        let before = resident_bytes();
        let touched = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident_bytes() >= before + (32 << 20));
        drop(touched);
        assert!(before > 0);
    }
}
