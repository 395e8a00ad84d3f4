//! A port of the cluster on this machine.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::cluster::{Problem, command, ensure};

/// `kubectl port-forward`, for as long as it lives.
pub struct Forward {
    /// HOST:PORT on this machine.
    pub address: String,
    child: Child,
    /// It ends when nobody can read what it says.
    _out: BufReader<std::process::ChildStdout>,
}

impl Forward {
    /// Opens a port of a pod, or of `svc/NAME`.
    pub fn open(namespace: &str, pod: &str, port: u16) -> Result<Forward, Problem> {
        let mut command = command("kubectl");
        command.args(["-n", namespace, "port-forward", pod, &format!(":{port}")]);
        let mut child =
            command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no standard output")?;
        let mut out = BufReader::new(out);
        out.read_line(&mut line).map_err(|error| error.to_string())?;
        let address = line.split_whitespace().nth(2).unwrap_or_default().to_owned();
        ensure(address.contains(':'), || format!("port-forward said {line:?}"))?;
        Ok(Forward { child, address, _out: out })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // One that ended by itself needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
