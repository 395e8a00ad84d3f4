//! The built binary over a real fleet: sidecars in this process, real mutual TLS, scripted REPLs.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::World;
use prepl_tests::hostile::{Conduct, Hostile};
use tokio::runtime::Runtime;

/// A fleet whose sidecars run on threads of their own while the binary is tried.
struct Fleet {
    runtime: Runtime,
    world: World,
    repls: Vec<Hostile>,
    folder: PathBuf,
}

impl Fleet {
    fn of(conducts: Vec<Conduct>) -> Fleet {
        Fleet::made(conducts, Role::Evaluator)
    }

    fn made(conducts: Vec<Conduct>, role: Role) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let (world, repls) = runtime.block_on(async {
            let (mut world, mut repls) = (World::new(), Vec::new());
            for conduct in conducts {
                let repl = Hostile::start(conduct).await;
                world.add(Endpoint::Nrepl(repl.address)).await;
                repls.push(repl);
            }
            (world, repls)
        });
        let folder = world.write_fleet(role);
        Fleet { runtime, world, repls, folder }
    }

    /// One more replica, where no sidecar listens.
    fn with_one_down(mut self) -> Fleet {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address: SocketAddr = closed.local_addr().unwrap();
        self.world.add_at(address);
        self.folder = self.world.write_fleet(Role::Evaluator);
        self
    }

    fn exec(&self, args: &[&str]) -> Output {
        exec(&self.folder, args).output().unwrap()
    }

    /// Tries one command line in the folded and in the machine form.
    fn ends(&self, args: &[&str], code: i32) {
        let folded = self.exec(args);
        let errors = text(&folded.stderr);
        assert_eq!(folded.status.code(), Some(code), "{args:?}: {errors}");
        for word in ["error:", "hint:", " replicas\n"] {
            let answers = text(&folded.stdout);
            assert!(!answers.lines().any(|line| line.starts_with(word)), "{args:?}: {answers}");
        }
        let machine = self.exec(&[&["-o", "json"], args].concat());
        assert_eq!(machine.status.code(), Some(code), "{args:?}: {}", text(&machine.stderr));
        is_one_document(&machine, code);
    }
}

fn exec(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    command.env_clear().env("PREPL_FLEET", folder).stdin(Stdio::null()).arg("exec").args(args);
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn is_one_document(output: &Output, code: i32) {
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = [&document["error"]["exit_code"], &document["summary"]["exit_code"]];
    assert!(told.into_iter().any(|told| *told == code), "{document}");
}

fn values(values: &[&str]) -> Vec<Conduct> {
    values.iter().map(|value| Conduct::nrepl_value(value)).collect()
}

#[test]
fn answers_that_are_equal_or_differ() {
    let same = Fleet::of(values(&["1", "1"]));
    same.ends(&["-l", "app=api", "1"], 0);
    same.ends(&["-l", "app=api", "--expect-same", "1"], 0);
    let other = Fleet::of(values(&["1", "2"]));
    other.ends(&["-l", "app=api", "1"], 0);
    other.ends(&["-l", "app=api", "--expect-same", "1"], 9);
}

#[test]
fn what_is_asked_of_nobody_or_is_no_expression() {
    let fleet = Fleet::of(values(&["1"]));
    fleet.ends(&["-l", "app=other", "1"], 3);
    fleet.ends(&["1"], 2);
    fleet.ends(&["-A", " "], 2);
}

#[test]
fn a_viewer_is_denied() {
    Fleet::made(values(&["1", "1"]), Role::Viewer).ends(&["-A", "1"], 4);
}

#[test]
fn throws_on_all_and_on_some() {
    Fleet::of(vec![Conduct::nrepl_throws(); 2]).ends(&["-A", "1"], 5);
    let some = vec![Conduct::nrepl_throws(), Conduct::nrepl_value("1")];
    Fleet::of(some).ends(&["-A", "1"], 6);
}

#[test]
fn a_sidecar_that_is_down_and_an_evaluation_without_an_end() {
    Fleet::of(values(&["1"])).with_one_down().ends(&["-A", "1"], 7);
    let silent = vec![Conduct::nrepl().on_eval(""), Conduct::nrepl_value("1")];
    Fleet::of(silent).ends(&["-A", "--timeout", "100ms", "1"], 8);
}

#[test]
fn an_unfinished_expression_of_the_sidecars_own_engine_is_a_wrong_use() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::of_rhai(2));
    let output = exec(&world.write_fleet(Role::Evaluator), &["-A", "-o", "json", "(1 +"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    is_one_document(&output, 2);
}

#[test]
fn a_read_only_run_is_kept_by_the_engine_and_refused_where_nothing_keeps_it() {
    let runtime = Runtime::new().unwrap();
    let mut world = runtime.block_on(World::of_rhai(1));
    let folder = world.write_fleet(Role::Evaluator);
    let kept = exec(&folder, &["-A", "--read-only", "6 * 7"]).output().unwrap();
    assert_eq!((kept.status.code(), text(&kept.stdout).contains("42")), (Some(0), true));
    assert!(text(&kept.stderr).contains("\n· read-only: the engine"), "{}", text(&kept.stderr));
    let repl = runtime.block_on(Hostile::start(Conduct::nrepl_value("1")));
    runtime.block_on(world.add(Endpoint::Nrepl(repl.address)));
    let folder = world.write_fleet(Role::Evaluator);
    let mixed = exec(&folder, &["-A", "--read-only", "6 * 7"]).output().unwrap();
    assert_eq!(mixed.status.code(), Some(7));
    let told = text(&mixed.stdout);
    assert!(told.contains("nothing keeps this REPL from writing"), "{told}");
}

#[test]
fn the_deadline_of_a_run() {
    let fleet = Fleet::of(vec![Conduct::nrepl().on_eval(""), Conduct::nrepl_value("1")]);
    fleet.ends(&["-A", "--deadline", "500ms", "1"], 124);
}

#[test]
fn an_interrupt_of_the_process() {
    let fleet = Fleet::of(vec![Conduct::nrepl().on_eval("")]);
    let mut child = exec(&fleet.folder, &["-A", "-o", "json", "1"]);
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What the REPL was asked proves that the run, and with it Ctrl-C, is under way.
    fleet.runtime.block_on(fleet.repls[0].heard_all());
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    is_one_document(&output, 130);
}

#[test]
fn an_evaluation_that_a_ctrl_c_ended_is_unknown_and_over() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::of_rhai(1));
    let folder = world.write_fleet(Role::Evaluator);
    let mut child = exec(&folder, &["-A", "-o", "jsonl", "-q", "loop {}"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(r#""kind":"start""#) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0);
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let result: serde_json::Value = serde_json::from_str(rest.lines().next().unwrap()).unwrap();
    assert_eq!(result["class"], "unknown", "{rest}");
    assert_eq!(result["may_still_run"], false, "{rest}");
    assert_eq!(result["reason"], "interrupted; it had started", "{rest}");
}

#[test]
fn a_reader_that_leaves_a_stream_is_told_with_what_it_left_unknown() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::of_rhai(1));
    let folder = world.write_fleet(Role::Evaluator);
    let name = world.replicas()[0].id.name.to_string();
    // More than a pipe holds: who writes it must see that nobody reads.
    let endless = format!("loop {{ print(\"{}\") }}", "x".repeat(1000));
    let mut child = exec(&folder, &["-A", "-o", "stream", "--limit-bytes", "16Mi", &endless]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("stopped  the reader of stdout went away"), "{told}");
    assert!(told.contains(&format!("\nunknown  {name}\n")), "{told}");
}
