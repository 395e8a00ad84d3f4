//! A real nREPL server: the Clojure session store in a JVM.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Failure;

/// A running JVM; it ends when this is dropped.
pub struct Jvm {
    process: Child,
    /// Its nREPL port.
    pub nrepl: SocketAddr,
}

impl Jvm {
    /// Starts one; an error says what this machine lacks.
    pub fn start() -> Result<Jvm, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let installed = Command::new(root.join("tests/runtimes/clojure/install")).output()?;
        if !installed.status.success() {
            return Err("no Clojure; tests/runtimes/clojure/install says why".into());
        }
        let jars = String::from_utf8(installed.stdout)?;
        let source = root.join("examples/session-store-clojure/src");
        let class_path = format!("{}:{}", jars.trim(), source.display());
        let mut process = Command::new("java")
            .args(["-XX:-UsePerfData", "-cp", &class_path, "clojure.main", "-m"])
            .args(["session-store.core", "--nrepl", "0", "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = process.stdout.take().ok_or("a JVM without standard output")?;
        let mut ready = String::new();
        BufReader::new(said).read_line(&mut ready)?;
        let port = ready.split_once("\"nrepl\":[").and_then(|(_, rest)| rest.split_once(']'));
        let port = port.and_then(|(port, _)| port.parse().ok()).ok_or("the JVM named no port")?;
        Ok(Jvm { process, nrepl: SocketAddr::from(([127, 0, 0, 1], port)) })
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
