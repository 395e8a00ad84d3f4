//! Starting a process of the demo, and ending it with the demo.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Longest line a process says when it is ready.
const MAX_LINE: u64 = 4 << 10;

/// A running process; it ends when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Its end tells the process to end, however the demo ends.
    _open: Option<ChildStdin>,
}

impl Process {
    /// Starts a process in a group of its own, so that Ctrl-C reaches `prepl` alone.
    pub fn start(command: &mut Command) -> io::Result<Process> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.process_group(0).spawn()?;
        let open = child.stdin.take();
        Ok(Process { child, _open: open })
    }

    /// Waits for the first line that it says.
    pub fn first_line(&mut self) -> io::Result<String> {
        let said = self.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(said).take(MAX_LINE).read_line(&mut line)?;
        match line.trim_end() {
            "" => Err(io::Error::other("it ended before it was ready")),
            line => Ok(line.to_owned()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
