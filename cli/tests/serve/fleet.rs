//! Fleets of replicas whose sidecars run in this process, and the server over one of them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::LazyLock;

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::jvm::Jvm;
use prepl_tests::{App, World};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::Client;

/// For all tests; they end with this process, as their standard inputs do.
pub static JVMS: LazyLock<Option<[Jvm; 3]>> = LazyLock::new(|| {
    let sessions = ["--sessions", "17"];
    Some([
        Jvm::start(&["--nrepl", "0"])?,
        Jvm::start(&["--socket", "0"])?,
        Jvm::start(&[&["--nrepl", "0"][..], &sessions].concat())?,
    ])
});

/// Replicas, and a folder to work in.
pub struct Fleet {
    pub runtime: Runtime,
    pub world: World,
    pub folder: PathBuf,
    work: TempDir,
}

impl Fleet {
    fn of(make: impl AsyncFnOnce(&mut World)) -> Fleet {
        Fleet::with_role(Role::Evaluator, make)
    }

    /// For a user with this role.
    pub fn with_role(role: Role, make: impl AsyncFnOnce(&mut World)) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let mut world = World::new();
        runtime.block_on(make(&mut world));
        let folder = world.write_fleet(role);
        Fleet { runtime, world, folder, work: tempfile::tempdir().unwrap() }
    }

    /// Replicas of the sidecar's own engine.
    pub fn of_rhai(count: usize) -> Fleet {
        Fleet::of(async |world| {
            for _ in 0..count {
                world.add(Endpoint::Rhai).await;
            }
        })
    }

    /// Three JVMs: nREPL, socket REPL, nREPL with five sessions more. `None` without Java.
    pub fn of_jvms() -> Option<Fleet> {
        let [one, two, three] = JVMS.as_ref()?;
        Some(Fleet::of(async |world| {
            world.add(Endpoint::Nrepl(one.addresses("nrepl")[0])).await;
            world.add(Endpoint::Clojure(two.addresses("socket")[0])).await;
            world.add(Endpoint::Nrepl(three.addresses("nrepl")[0])).await;
        }))
    }

    /// Those of the three that speak nREPL. `None` without Java.
    pub fn of_nrepl() -> Option<Fleet> {
        let [one, _, three] = JVMS.as_ref()?;
        Some(Fleet::of(async |world| {
            world.add(Endpoint::Nrepl(one.addresses("nrepl")[0])).await;
            world.add(Endpoint::Nrepl(three.addresses("nrepl")[0])).await;
        }))
    }

    /// So many replicas before one app, whose evaluations end when the test says so.
    pub fn of_an_app(count: usize) -> (Fleet, App) {
        let runtime = Runtime::new().unwrap();
        let mut world = World::new();
        let app = runtime.block_on(async {
            let app = App::start().await;
            for _ in 0..count {
                world.add(Endpoint::Nrepl(app.address)).await;
            }
            app
        });
        let folder = world.write_fleet(Role::Evaluator);
        (Fleet { runtime, world, folder, work: tempfile::tempdir().unwrap() }, app)
    }

    /// The folder in which the server is started.
    pub fn work(&self) -> &Path {
        self.work.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.work().join("state")).current_dir(self.work());
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the command says that does not come to listen, and its code.
    pub fn refused(&self, args: &[&str]) -> (i32, String) {
        let args = [&["serve", "nrepl"], args].concat();
        let output = self.command(&args).output().unwrap();
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// A server of all replicas.
    pub fn serve(&self) -> Serve {
        self.serve_with(&[])
    }

    /// The same with further arguments.
    pub fn serve_with(&self, args: &[&str]) -> Serve {
        let args = [&["serve", "nrepl", "-A"], args].concat();
        let mut child = self.command(&args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Serve { child, line, errors }
    }

    /// The entries of the audit log; none where nothing was ever recorded.
    pub fn recorded(&self) -> Vec<Json> {
        if !self.folder.join("audit").exists() {
            return Vec::new();
        }
        let output = self.command(&["audit", "list", "-o", "json"]).output().unwrap();
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        document["entries"].as_array().unwrap().clone()
    }
}

/// The command at work; killed when the test fails.
pub struct Serve {
    child: Child,
    /// What it said when it listened.
    pub line: String,
    pub errors: BufReader<ChildStderr>,
}

impl Serve {
    /// The port that it told, as editors read it.
    pub fn port(&self) -> u16 {
        let rest = self.line.strip_prefix("nREPL server started on port ").unwrap();
        let (port, rest) = rest.split_once(' ').unwrap();
        assert_eq!(rest, format!("on host 127.0.0.1 - nrepl://127.0.0.1:{port}\n"));
        port.parse().unwrap()
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::connect(self.port())
    }

    /// Ends it by a signal; gives its code and what it had said to standard error.
    pub fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    /// The next line on standard error.
    pub fn says(&mut self) -> String {
        let mut line = String::new();
        self.errors.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
