//! The Clojure session store in a JVM of its own, with its REPLs on free ports of loopback.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Half the time to the ready line; a test never runs long enough to miss the second compiler.
const QUICK_START: &str = "-XX:TieredStopAtLevel=1";

/// A running JVM; it is killed when this is dropped.
pub struct Jvm {
    process: Child,
    ready: String,
}

impl Jvm {
    /// Starts one; `ports` are options of the session store, e.g. `["--nrepl", "0"]`.
    ///
    /// `None`, said aloud, where Java or the jars are missing; a panic there when `CI` is set.
    pub fn start(ports: &[&str]) -> Option<Jvm> {
        Jvm::start_with(&[], &[], ports)
    }

    /// The same with further artifacts of Maven Central and options of Java's own.
    pub fn start_with(artifacts: &[&str], options: &[String], ports: &[&str]) -> Option<Jvm> {
        let Some(class_path) = class_path(artifacts) else {
            assert!(std::env::var_os("CI").is_none(), "CI needs Java and the jars of Clojure");
            eprintln!("SKIPPED: no Clojure on this machine (tests/runtimes/clojure/install)");
            return None;
        };
        let mut process = Command::new("java")
            .args(options)
            .args([QUICK_START, "-cp", &class_path, "clojure.main", "-m", "session-store.core"])
            .arg("--until-stdin-closes")
            .args(ports)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        Some(Jvm { process, ready })
    }

    /// The addresses of one protocol, `nrepl` or `socket`, in the order of the options.
    pub fn addresses(&self, protocol: &str) -> Vec<SocketAddr> {
        let after = self.ready.split_once(&format!("\"{protocol}\":[")).unwrap().1;
        let ports = after.split_once(']').unwrap().0.split(',').filter(|port| !port.is_empty());
        ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))).collect()
    }

    /// Ends the JVM at once, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn class_path(artifacts: &[&str]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let install = root.join("tests/runtimes/clojure/install");
    let found = Command::new(install).args(artifacts).stderr(Stdio::inherit()).output().unwrap();
    let sources = ["examples/session-store-clojure/src", "tests/runtimes/postgres/src"];
    let [store, database] = sources.map(|folder| root.join(folder).display().to_string());
    let jars = String::from_utf8(found.stdout).unwrap();
    found.status.success().then(|| format!("{}:{store}:{database}", jars.trim()))
}
