//! A real nREPL server: the Clojure session store in a JVM.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Failure;

/// A running JVM; it ends when this is dropped.
pub struct Jvm {
    process: Child,
    /// Its nREPL ports.
    pub nrepl: Vec<SocketAddr>,
}

impl Jvm {
    /// Starts one with so many nREPL servers; an error says what this machine lacks.
    pub fn start(servers: usize) -> Result<Jvm, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let installed = Command::new(root.join("tests/runtimes/clojure/install")).output()?;
        if !installed.status.success() {
            return Err("no Clojure; tests/runtimes/clojure/install says why".into());
        }
        let jars = String::from_utf8(installed.stdout)?;
        let source = root.join("examples/session-store-clojure/src");
        let class_path = format!("{}:{}", jars.trim(), source.display());
        let mut process = Command::new("java")
            // Clojure keeps compiled classes by soft references: they are no leak, and would look like one.
            .args([
                "-XX:-UsePerfData",
                "-XX:SoftRefLRUPolicyMSPerMB=0",
                "-cp",
                &class_path,
                "clojure.main",
                "-m",
            ])
            .args(["session-store.core", "--until-stdin-closes"])
            .args(["--nrepl", &vec!["0"; servers].join(",")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = process.stdout.take().ok_or("a JVM without standard output")?;
        let mut ready = String::new();
        BufReader::new(said).read_line(&mut ready)?;
        let ports = ready.split_once("\"nrepl\":[").and_then(|(_, rest)| rest.split_once(']'));
        let (ports, _) = ports.ok_or("the JVM named no port")?;
        let address = |port: &str| Ok(SocketAddr::from(([127, 0, 0, 1], port.parse()?)));
        let nrepl = ports.split(',').map(address).collect::<Result<_, Failure>>()?;
        Ok(Jvm { process, nrepl })
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
