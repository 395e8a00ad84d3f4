//! The built binary over a fleet's folder, which has no approvals: it says so, and runs nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::process::{Command, Output, Stdio};

use prepl_identity::Role;
use prepl_tests::World;

struct Folder {
    _runtime: tokio::runtime::Runtime,
    _world: World,
    path: std::path::PathBuf,
}

impl Folder {
    fn with(policy: &str) -> Folder {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let world = runtime.block_on(World::of_rhai(1));
        let path = world.write_fleet(Role::Evaluator);
        fs::create_dir_all(path.join("policies")).unwrap();
        fs::write(path.join("policies/rules.toml"), policy).unwrap();
        Folder { _runtime: runtime, _world: world, path }
    }

    /// The exit code and what it told.
    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.path).env("HOME", &self.path);
        told(&command.args(args).stdin(Stdio::null()).output().unwrap())
    }
}

fn told(output: &Output) -> (i32, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout) + text(&output.stderr).as_str())
}

#[test]
fn a_folder_has_no_requests_and_says_so() {
    let folder = Folder::with("");
    for args in [
        &["request", "list"][..],
        &["request", "show", "prepl-1"],
        &["request", "approve", "prepl-1", "--yes"],
        &["request", "run", "prepl-1"],
    ] {
        let (code, told) = folder.run(args);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains("a fleet's folder has no access requests"), "{told}");
    }
}

#[test]
fn what_needs_approvals_is_denied_there_whether_one_would_wait_or_not() {
    let folder = Folder::with("[approvals]\ncount = 1\nexpires_seconds = 60\n");
    for args in [&["exec", "-A", "1"][..], &["exec", "-A", "--async", "1"]] {
        let (code, told) = folder.run(args);
        assert_eq!(code, 4, "{told}");
        assert!(told.contains("1 approval of another person is missing"), "{told}");
    }
}

#[test]
fn there_is_no_glass_to_break_in_a_folder() {
    let folder = Folder::with("");
    let (code, told) = folder.run(&["exec", "-A", "--break-glass", "1"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("--reason"), "{told}");
    let glass = ["exec", "-A", "--break-glass", "--reason", "r", "--ticket", "T-1", "1"];
    let (code, told) = folder.run(&glass);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("a fleet's folder has no approvals"), "{told}");
    let (code, told) = folder.run(&["exec", "-A", "--break-glass", "--async", "1"]);
    assert_eq!(code, 2, "{told}");
}
