//! `prepl port-forward` as a binary over real sidecars: ports, tunnels, exit codes.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::World;
use prepl_tests::attached::Plain;
use serde_json::Value;
use tokio::runtime::Runtime;

/// Replicas with an echo for a REPL, whose sidecars run on threads of their own.
struct Fleet {
    runtime: Runtime,
    world: World,
    repl: Plain,
    folder: PathBuf,
}

impl Fleet {
    fn of(replicas: usize, role: Role) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let (world, repl) = runtime.block_on(async {
            let (mut world, repl) = (World::new(), Plain::echo().await);
            for _ in 0..replicas {
                world.add(Endpoint::Nrepl(repl.address)).await;
            }
            (world, repl)
        });
        let folder = world.write_fleet(role);
        Fleet { runtime, world, repl, folder }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
        command.arg("port-forward").args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The entries of the audit log.
    fn recorded(&self) -> Vec<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder).stdin(Stdio::null());
        let output = command.args(["audit", "list", "-o", "json"]).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["entries"].as_array().unwrap().clone()
    }

    /// A refusal before anything listens: its code, and what was said.
    fn refused(&self, args: &[&str], code: i32) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let errors = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), &stdout[..]), (Some(code), &b""[..]), "{errors}");
        errors
    }
}

/// The command at work; killed when the test fails.
struct Forward {
    child: Child,
    port: u16,
    errors: BufReader<ChildStderr>,
}

impl Forward {
    fn start(fleet: &Fleet, args: &[&str]) -> Forward {
        let mut child = fleet.command(args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let rest = line.strip_prefix("Forwarding from 127.0.0.1:").unwrap();
        let (port, name) = rest.split_once(' ').unwrap();
        assert_eq!(name, "to shop/api-1 (nrepl)\n");
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut hint = String::new();
        errors.read_line(&mut hint).unwrap();
        assert_eq!(
            hint,
            format!("hint: connect an nREPL client, for example: lein repl :connect {port}\n")
        );
        Forward { port: port.parse().unwrap(), child, errors }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    /// A client that is through to the REPL.
    fn client(&self) -> TcpStream {
        let mut client = self.connect();
        says_back(&mut client, b"x");
        client
    }

    fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn says_back(client: &mut TcpStream, words: &[u8]) {
    client.write_all(words).unwrap();
    let mut heard = vec![0; words.len()];
    client.read_exact(&mut heard).unwrap();
    assert_eq!(heard, words);
}

#[test]
fn several_clients_speak_at_once_and_ctrl_c_ends_it_well() {
    let fleet = Fleet::of(1, Role::Admin);
    let forward = Forward::start(&fleet, &["api-1"]);
    let (mut one, mut two) = (forward.client(), forward.client());
    says_back(&mut one, b"(+ 1 2)\n\0\xff");
    says_back(&mut two, b"(+ 3 4)\n");
    one.shutdown(Shutdown::Write).unwrap();
    assert_eq!(one.read_to_end(&mut Vec::new()).unwrap(), 0);
    says_back(&mut two, b"still here");
    assert_eq!(forward.interrupt(), Some(0));
}

#[test]
fn what_a_client_evaluates_is_in_the_audit_log() {
    let fleet = Fleet::of(1, Role::Admin);
    let forward = Forward::start(&fleet, &["api-1"]);
    let mut client = forward.connect();
    says_back(&mut client, b"d4:code7:(+ 1 2)2:op4:evale");
    assert_eq!(forward.interrupt(), Some(0));
    let recorded = fleet.recorded();
    let said: Vec<_> = recorded.iter().filter(|entry| entry["what"] == "said").collect();
    let [said] = said[..] else { panic!("{recorded:?}") };
    assert_eq!((&said["op"], &said["expression"]), (&"eval".into(), &"(+ 1 2)".into()));
    assert_eq!(
        (&said["user"], &said["workloads"][0]),
        (&"mira".into(), &"shop/deployment/api".into())
    );
}

#[test]
fn a_connection_that_is_refused_is_told_and_the_others_go_on() {
    let fleet = Fleet::of(1, Role::Admin);
    let mut forward = Forward::start(&fleet, &["deploy/api", ":"]);
    let mut clients: Vec<_> = (0..4).map(|_| forward.client()).collect();
    let mut fifth = forward.connect();
    let mut line = String::new();
    forward.errors.read_line(&mut line).unwrap();
    assert!(line.starts_with("error: you have 4 tunnels"), "{line}");
    assert_eq!(fifth.read(&mut [0]).unwrap_or(0), 0);
    says_back(&mut clients[0], b"still here");
    clients.pop().unwrap().shutdown(Shutdown::Both).unwrap();
    assert_eq!(forward.interrupt(), Some(0));
}

#[test]
fn the_port_that_was_asked_for_is_taken_or_refused() {
    let fleet = Fleet::of(1, Role::Admin);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let errors = fleet.refused(&["api-1", &port], 1);
    assert!(errors.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{errors}");
    drop(taken);
    assert_eq!(Forward::start(&fleet, &["api-1", &port]).port.to_string(), port);
    let errors = fleet.refused(&["api-1", "7888:7888"], 2);
    assert!(errors.contains("write the local port alone"), "{errors}");
}

#[test]
fn one_replica_is_meant_and_no_more() {
    let fleet = Fleet::of(3, Role::Admin);
    let errors = fleet.refused(&["deploy/api"], 2);
    assert!(errors.contains("3 match: shop/api-1, shop/api-2, shop/api-3\n"), "{errors}");
    assert!(errors.contains("pod/api-1, or let --pick 1 choose"), "{errors}");
    fleet.refused(&["deploy/other"], 3);
    Forward::start(&fleet, &["deploy/api", "--zone", "a"]);
}

#[test]
fn without_the_role_admin_nothing_listens_and_that_he_asked_is_recorded() {
    for role in [Role::Viewer, Role::Evaluator] {
        let fleet = Fleet::of(1, role);
        let errors = fleet.refused(&["api-1"], 4);
        assert!(errors.contains("--role admin"), "{errors}");
        assert_eq!(fleet.repl.taken(), 0);
        let recorded = fleet.recorded();
        let [denied] = recorded.as_slice() else { panic!("{recorded:?}") };
        assert_eq!((&denied["what"], &denied["user"]), (&"denied attach".into(), &"mira".into()));
        assert_eq!((&denied["replicas"], &denied["expression"]), (&1.into(), &Value::Null));
        assert!(denied["why"].as_str().unwrap().contains("--role admin"), "{denied}");
    }
}

#[test]
fn a_replica_without_a_repl_or_out_of_reach_is_told_before_anything_listens() {
    let mut fleet = Fleet::of(0, Role::Admin);
    fleet.runtime.block_on(fleet.world.add(Endpoint::Rhai));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fleet.world.add_at(closed);
    fleet.world.write_fleet(Role::Admin);
    assert!(fleet.refused(&["api-1"], 7).contains("prepl exec"));
    assert!(fleet.refused(&["api-2"], 7).contains("cannot connect"));
}
