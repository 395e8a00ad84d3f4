//! What a process takes, as Linux counts it.

use crate::Failure;

/// Memory of a process, in kB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// All pages in memory, those of shared files too.
    pub resident: u64,
    /// Shared pages counted in parts.
    pub proportional: u64,
    /// Pages of this process alone.
    pub private: u64,
}

impl Memory {
    /// Of a running process.
    pub fn of(pid: u32) -> Result<Memory, Failure> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let sum = |key: &str| {
            let lines = text.lines().filter(|line| line.starts_with(key));
            lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
        };
        Ok(Memory { resident: sum("Rss:"), proportional: sum("Pss:"), private: sum("Private_") })
    }

    /// For people.
    pub fn in_words(self) -> String {
        let mb = |kb: u64| kb as f64 / 1024.0;
        let Memory { resident, proportional, private } = self;
        format!("{:.1} / {:.1} / {:.1} MB", mb(resident), mb(proportional), mb(private))
    }
}
