//! A fleet whose sidecars run in this process, and prompts for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use prepl_identity::Role;
use prepl_sidecar::args::{Serve, Source};
use prepl_sidecar::endpoint::{Endpoint, Repl};
use prepl_sidecar::run::bind;
use prepl_tests::{Key, Terminal, World};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Rows and columns of a terminal.
pub const SIZE: (u16, u16) = (24, 100);

/// A fleet in a folder, and the user's own folder.
pub struct Fleet {
    runtime: Runtime,
    world: World,
    folder: PathBuf,
    state: TempDir,
}

impl Fleet {
    /// Replicas `api-1`, `api-2`, … of these REPLs.
    pub fn of(repls: Vec<Endpoint>) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(async {
            let mut world = World::new();
            for repl in repls {
                world.add(repl).await;
            }
            world
        });
        let folder = world.write_fleet(Role::Evaluator);
        let state = tempfile::tempdir().unwrap();
        Fleet { runtime, world, folder, state }
    }

    /// Replicas of the sidecar's own engine.
    pub fn of_rhai(count: usize) -> Fleet {
        Fleet::of(vec![Endpoint::Rhai; count])
    }

    /// One replica more.
    pub fn add(&mut self, repl: Endpoint) {
        self.runtime.block_on(self.world.add(repl));
        self.world.write_fleet(Role::Evaluator);
    }

    /// One replica more, whose sidecar can be started anew.
    pub fn add_restartable(&mut self) -> Restartable {
        let place = self.world.replicas().len();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, served) = self.sidecar(place, listen);
        self.world.add_at(address);
        self.world.write_fleet(Role::Evaluator);
        Restartable { place, address, served: Some(served) }
    }

    /// Starts the sidecar of a replica anew, where it was: its sessions are gone.
    pub fn restart(&self, replica: &mut Restartable) {
        let Served { end, task } = replica.served.take().unwrap();
        end.send(()).unwrap();
        self.runtime.block_on(task).unwrap();
        replica.served = Some(self.sidecar(replica.place, replica.address).1);
    }

    fn sidecar(&self, place: usize, listen: SocketAddr) -> (SocketAddr, Served) {
        let bundle = self.world.bundle_file(place);
        self.world.sidecar_bundle(place).write(&bundle).unwrap();
        let source = Source::of_bundle(bundle);
        let args = Serve { source, listen, repl: Repl::from(Endpoint::Rhai), roots: Vec::new() };
        let bound = self.runtime.block_on(bind(&args)).unwrap();
        let address = bound.address().unwrap();
        let (end, ended) = oneshot::channel();
        let task = self.runtime.spawn(async move {
            bound.serve(async { drop(ended.await) }).await.unwrap();
        });
        (address, Served { end, task })
    }

    /// Takes a replica out of the fleet's file.
    pub fn remove(&self, name: &str) {
        let removed = self.command().args(["fleet", "remove", name]).output().unwrap();
        assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    }

    /// `prepl` for this fleet.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder);
        command.env("XDG_STATE_HOME", self.state.path()).stdin(Stdio::null());
        command
    }

    /// A prompt for all of it in a terminal.
    pub fn prompt(&self, args: &[&str]) -> Prompt {
        self.terminal(env!("CARGO_BIN_EXE_prepl"), &[&["repl", "-l", "app=api"], args].concat())
    }

    /// The same whose answers go to a file.
    pub fn prompt_into(&self, file: &Path) -> Prompt {
        let script = r#"exec "$0" repl -l app=api > "$1""#;
        let file = file.to_str().unwrap();
        self.terminal("/bin/sh", &["-c", script, env!("CARGO_BIN_EXE_prepl"), file])
    }

    fn terminal(&self, program: &str, args: &[&str]) -> Prompt {
        let terminal = Terminal::start(program, SIZE, |program| {
            let program = program.env("PREPL_FLEET", &self.folder);
            program.env("XDG_STATE_HOME", self.state.path()).args(args)
        });
        let prompt = Prompt(terminal);
        prompt.is_back();
        prompt
    }

    /// A file in the user's own folder.
    pub fn state(&self) -> PathBuf {
        self.state.path().join("prepl")
    }
}

/// A terminal with a prompt in it.
pub struct Prompt(pub Terminal);

impl Prompt {
    /// Waits until the prompt waits for a text, and gives the screen.
    pub fn is_back(&self) -> String {
        self.0.until("prompt", |screen| last_line(screen).ends_with("=>"))
    }

    /// Types a text, and waits until it is on the screen.
    pub fn write(&self, text: &str) {
        self.0.write(text);
        let end = text.trim_end().lines().next_back().unwrap_or_default();
        self.0.until(end, |screen| last_line(screen).ends_with(end));
    }

    /// Types a text and presses Enter.
    pub fn send(&self, text: &str) {
        self.write(text);
        self.0.press(Key::Enter);
    }

    /// Sends a text, and waits for the next prompt; gives the screen.
    pub fn ask(&self, text: &str) -> String {
        self.send(text);
        self.is_back()
    }

    /// Leaves with Ctrl-D; gives the exit code.
    pub fn leave(mut self) -> Option<i32> {
        self.is_back();
        self.0.press(Key::Control('d'));
        self.0.ended()
    }
}

fn last_line(screen: &str) -> &str {
    screen.lines().next_back().unwrap_or_default()
}

/// A replica whose sidecar can be started anew.
pub struct Restartable {
    place: usize,
    address: SocketAddr,
    served: Option<Served>,
}

/// A sidecar that runs until it is told to end.
struct Served {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}
