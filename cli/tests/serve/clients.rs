//! Programs that others wrote, each twice over: what they see of a fleet is what they see of any
//! nREPL server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::fleet::{Fleet, Serve};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/clients")
}

/// What an install script prints; `None`, said aloud, where something is missing.
fn installed(script: &str) -> Option<String> {
    let output = Command::new(clients().join(script)).stderr(Stdio::inherit()).output().unwrap();
    if !output.status.success() {
        assert!(std::env::var_os("CI").is_none(), "CI needs what {script} brings");
        eprintln!("SKIPPED: {script} found no client");
        return None;
    }
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn class_path() -> Option<String> {
    installed("../runtimes/clojure/install")
}

/// Plays a client's session against a fleet, two times.
fn play(fleet: &Fleet, client: impl Fn(&Serve) -> Command) {
    let serve = fleet.serve();
    let expected = std::fs::read_to_string(clients().join("expected")).unwrap();
    for _ in 0..2 {
        let output = client(&serve).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        assert!(output.status.success());
    }
}

fn sample() -> PathBuf {
    clients().join("fireplace/sample.clj")
}

#[test]
fn clojures_own_client() {
    let Some((fleet, class_path)) = Fleet::of_jvms().zip(class_path()) else { return };
    play(&fleet, |serve| {
        let mut java = Command::new("java");
        java.args(["-XX:TieredStopAtLevel=1", "-cp", &class_path, "clojure.main"]);
        java.arg(clients().join("clojure/session.clj")).arg(serve.port().to_string()).arg(sample());
        java
    });
}

#[test]
fn nrepl_client_of_npm() {
    let Some(fleet) = Fleet::of_jvms() else { return };
    let Some(modules) = installed("nrepl-client/install") else { return };
    play(&fleet, |serve| {
        let mut node = Command::new("node");
        node.arg("--no-deprecation").env("NODE_PATH", &modules);
        node.arg(clients().join("nrepl-client/session.js")).arg(serve.port().to_string());
        node.arg(sample());
        node
    });
}

/// `nrepl.cmdline --connect` with somebody who types.
struct Prompt {
    child: Child,
    heard: BufReader<ChildStdout>,
}

impl Prompt {
    fn connect(class_path: &str, port: u16) -> Prompt {
        let mut java = Command::new("java");
        java.args([
            "-XX:TieredStopAtLevel=1",
            "-cp",
            class_path,
            "clojure.main",
            "-m",
            "nrepl.cmdline",
        ]);
        java.args(["--connect", "--host", "127.0.0.1", "--port", &port.to_string()]);
        let mut child = java
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let heard = BufReader::new(child.stdout.take().unwrap());
        Prompt { child, heard }
    }

    fn types(&mut self, text: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
    }

    /// Reads until a line has these words.
    fn hears(&mut self, words: &str) {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let count = self.heard.read_line(&mut line).unwrap();
            assert!(count > 0, "no {words} in {all}");
            all += &line;
            if line.contains(words) {
                return;
            }
        }
    }

    fn interrupts(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nrepl_cmdline() {
    let Some((fleet, class_path)) = Fleet::of_jvms().zip(class_path()) else { return };
    let serve = fleet.serve();
    for _ in 0..2 {
        let mut prompt = Prompt::connect(&class_path, serve.port());
        prompt.types("(+ 40 2)");
        prompt.hears("user=> 42");
        prompt.types("(count-sessions)");
        prompt.hears("\"api-3\" 17}");
        // It shows output at the end of an evaluation alone, so the replicas are asked.
        let mut other = serve.client();
        prompt.types("(do (def cmdline-sleeps true) (Thread/sleep 60000))");
        while other.aside("(resolve 'cmdline-sleeps)").value() != "#'user/cmdline-sleeps" {}
        other.aside("(ns-unmap 'user 'cmdline-sleeps)");
        prompt.interrupts();
        prompt.hears("sleep interrupted");
        prompt.types("(+ 1 1)");
        prompt.hears("user=> 2");
        prompt.types("(quit)");
        assert!(prompt.child.wait().unwrap().success());
    }
}
