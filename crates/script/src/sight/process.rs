//! The processes the sidecar can see, by what `/proc` says about them.
//!
//! Arguments and environments are never read: they may hold secrets.

use std::fs::{self, File};
use std::io::Read;

use rhai::{Array, Dynamic, INT, Map};

use super::Seen;

/// More processes than this are left out.
const PROCESSES: usize = 1000;
/// `/proc/<pid>/status` and `stat` are some 1500 bytes.
const PROC_BYTES: u64 = 16 << 10;
/// Linux tells user space start times in hundredths of a second, on every machine.
const TICKS_PER_SECOND: INT = 100;

pub(super) fn register(rhai: &mut rhai::Engine) {
    rhai.register_fn("processes", processes);
    rhai.register_fn("process", process);
}

fn processes() -> Seen<Array> {
    let entries = fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
    let mut pids: Vec<INT> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .take(PROCESSES)
        .collect();
    pids.sort_unstable();
    // A process may end between the list and the look at it.
    Ok(pids.into_iter().filter_map(look_at).map(Dynamic::from_map).collect())
}

fn process(pid: INT) -> Seen<Map> {
    look_at(pid).ok_or_else(|| format!("no process {pid} can be seen").into())
}

fn look_at(pid: INT) -> Option<Map> {
    let stat = read_proc(&format!("/proc/{pid}/stat"))?;
    let status = read_proc(&format!("/proc/{pid}/status"))?;
    describe(pid, &stat, &status)
}

/// Source: proc_pid_stat(5) and proc_pid_status(5).
fn describe(pid: INT, stat: &str, status: &str) -> Option<Map> {
    // The name stands in parentheses and may itself hold some.
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |at: usize| fields.get(at - 3).and_then(|field| field.parse::<INT>().ok());
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let rss_kb = rss.and_then(|text| text.split_whitespace().next()?.parse::<INT>().ok());
    Some(Map::from([
        ("pid".into(), pid.into()),
        ("name".into(), name.to_owned().into()),
        // The kernel's own threads have no memory of their own.
        ("rss_kb".into(), rss_kb.unwrap_or(0).into()),
        ("threads".into(), number(20)?.into()),
        ("start".into(), (boot_time() + number(22)? / TICKS_PER_SECOND).into()),
    ]))
}

/// Seconds since 1970, zero where the system does not say.
fn boot_time() -> INT {
    let Some(stat) = read_proc("/proc/stat") else { return 0 };
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok()).unwrap_or(0)
}

fn read_proc(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(PROC_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_read_whole() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 100 1 2";
        let seen = describe(7, stat, "Name:\ta\nVmRSS:\t    1234 kB\n").unwrap();
        assert_eq!(seen["name"].to_string(), "a) b (c");
        assert_eq!(seen["threads"].as_int(), Ok(3));
        assert_eq!(seen["rss_kb"].as_int(), Ok(1234));
        assert_eq!(seen["start"].as_int(), Ok(boot_time() + 1));
    }

    #[test]
    fn a_cut_stat_describes_nothing() {
        assert!(describe(7, "7 (a) S 1", "").is_none());
        assert!(describe(7, "", "").is_none());
    }
}
