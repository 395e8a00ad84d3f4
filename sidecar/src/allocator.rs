//! glibc's allocator, told to give memory back to the system.
//!
//! By itself it raises the size from which it asks the system for pages of their own each time such
//! a piece is freed, and keeps what is smaller: after some large answers a sidecar stood at 139 MB
//! of which it used 33. It can be told only before a process starts, so the sidecar starts itself
//! anew, once, under the same process id.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// From this size on a piece of memory is given back when it is freed; glibc's own first value.
/// Naming it is what stops glibc from raising it (mallopt(3)).
const VARIABLES: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "131072"), ("MALLOC_TRIM_THRESHOLD_", "131072")];

/// Starts this program anew with the allocator's settings, unless they are set already.
///
/// Gives an error when it could not: the program can go on, and needs more memory.
pub fn settle() -> io::Result<()> {
    if VARIABLES.iter().any(|(name, _)| env::var_os(name).is_some()) {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let mut again = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    Err(again.args(arguments).envs(VARIABLES).exec())
}
