//! A PostgreSQL of its own on loopback, for as long as a test needs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::jvm::Jvm;

/// The driver of the JVM for it.
const DRIVER: &str = "org.postgresql:postgresql:42.7.13";

/// How the script ends where there is no PostgreSQL.
const MISSING: i32 = 69;

/// A running server with an empty database; it ends when its standard input is closed, with this
/// value or with the process.
#[derive(Debug)]
pub struct Database {
    process: Child,
    port: u16,
}

impl Database {
    /// Starts one; `None`, said aloud, where there is no PostgreSQL; a panic there when `CI` is set.
    pub fn start() -> Option<Database> {
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/postgres/serve");
        let mut process = Command::new(serve)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a script that starts");
        let mut ready = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut ready).expect("a line");
        if ready.is_empty() {
            let code = process.wait().expect("an end").code();
            assert_eq!(code, Some(MISSING), "PostgreSQL is here and does not start");
            assert!(std::env::var_os("CI").is_none(), "CI needs PostgreSQL");
            #[expect(clippy::print_stderr, reason = "it skips aloud")]
            {
                eprintln!("SKIPPED: no PostgreSQL here (tests/runtimes/postgres/install)");
            }
            return None;
        }
        let port = ready.trim().parse().expect("a port");
        Some(Database { process, port })
    }

    /// The Clojure session store with `shop.db` beside it, whose orders are in this database.
    pub fn shop(&self, ports: &[&str]) -> Option<Jvm> {
        let place = format!("-Dshop.db=127.0.0.1:{}", self.port);
        Jvm::start_with(&[DRIVER], &[place], ports)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It may have ended already.
        let _ = self.process.wait();
    }
}
