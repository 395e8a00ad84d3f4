//! The built binary from outside: streams, exit codes, one line an error.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by its panic")]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn prepl(fleet: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("USER", "tester")
        .env("HOME", "/nonexistent")
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    if let Some(fleet) = fleet {
        command.env("PREPL_FLEET", fleet);
    }
    command
}

fn run(fleet: Option<&Path>, args: &[&str]) -> Output {
    prepl(fleet).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A refusal: its code, nothing on stdout, one line of error and perhaps one hint.
fn refused(output: &Output, code: i32) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(stdout(output), "");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("error: "), "{text}");
    assert!(lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("hint: "), "{text}");
    text
}

/// A fleet of two replicas whose sidecars listen and say nothing.
struct SilentFleet {
    folder: TempDir,
    _listeners: Vec<TcpListener>,
}

impl SilentFleet {
    fn new() -> SilentFleet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop");
        let init = ["fleet", "init", "shop", "--fleet", path.to_str().unwrap()];
        assert!(run(None, &init).status.success());
        let listeners: Vec<_> = ["api-1", "api-2"]
            .map(|name| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap().to_string();
                let add = ["fleet", "add", name, "--address", &address, "-l", "app=api"];
                let added = run(Some(&path), &[&add[..], &["--workload", "deploy/api"]].concat());
                assert!(added.status.success(), "{}", stderr(&added));
                listener
            })
            .into();
        SilentFleet { folder, _listeners: listeners }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("shop")
    }

    fn run(&self, args: &[&str]) -> Output {
        run(Some(&self.path()), args)
    }
}

#[test]
fn arguments_that_cannot_be_read_are_refused_in_one_line() {
    refused(&run(None, &[]), 2);
    refused(&run(None, &["nonsense"]), 2);
    refused(&run(None, &["exec", "--no-such-flag", "1"]), 2);
    refused(&run(None, &["exec", "--pick", "0", "1"]), 2);
    refused(&run(None, &["exec", "-A", "--timeout", "3", "1"]), 2);
    refused(&run(None, &["exec", "-A", "--compare", "same", "1"]), 2);
    refused(&run(None, &["exec", "-l", "app in api", "1"]), 2);
    refused(&run(None, &["exec", "-l", "app=api"]), 2);
    refused(&run(None, &["exec", "a", "b", "c"]), 2);
    for flag in ["--timeout", "--deadline", "--connect-timeout"] {
        let text = refused(&run(None, &["exec", "-A", flag, "0ms", "1"]), 2);
        assert!(text.contains("at least 1ms"), "{text}");
    }
}

#[test]
fn a_missing_fleet_is_told_with_what_to_do() {
    let text = refused(&run(None, &["exec", "-A", "1"]), 2);
    assert!(text.contains("PREPL_FLEET"), "{text}");
    let text = refused(&run(Some(Path::new("")), &["exec", "-A", "1"]), 2);
    assert!(text.contains("no fleet named"), "{text}");
    let nowhere = tempfile::tempdir().unwrap();
    refused(&run(Some(nowhere.path()), &["targets", "-A"]), 1);
}

#[test]
fn a_broken_fleet_file_is_told_with_its_line() {
    let fleet = SilentFleet::new();
    let path = fleet.path().join("fleet.toml");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"\nnonsense = 1\n").unwrap();
    let text = refused(&fleet.run(&["exec", "-A", "1"]), 1);
    assert_eq!(text.matches("line ").count(), 1, "{text}");
}

#[test]
fn naming_no_replica_is_an_error_never_all() {
    let fleet = SilentFleet::new();
    let text = refused(&fleet.run(&["exec", "1"]), 2);
    assert!(text.contains("-A means all"), "{text}");
    refused(&fleet.run(&["exec", "-n", "default", "1"]), 2);
    refused(&fleet.run(&["targets"]), 2);
}

#[test]
fn what_matches_nothing_is_named() {
    let fleet = SilentFleet::new();
    let text = refused(&fleet.run(&["exec", "-l", "ap=api", "1"]), 3);
    assert!(text.contains("no replica has a label ap; the fleet has app"), "{text}");
    let text = refused(&fleet.run(&["targets", "deploy/apo"]), 3);
    assert!(text.contains("the fleet has deployment/api"), "{text}");
}

#[test]
fn machine_forms_tell_errors_as_data() {
    let fleet = SilentFleet::new();
    let output = fleet.run(&["exec", "-l", "ap=api", "-o", "json", "1"]);
    assert_eq!(output.status.code(), Some(3));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["exit_code"], 3);
}

#[test]
fn an_empty_expression_is_refused() {
    let fleet = SilentFleet::new();
    refused(&fleet.run(&["exec", "-A", " "]), 2);
    refused(&fleet.run(&["exec", "-A", "-"]), 2);
    refused(&fleet.run(&["exec", "-A", "-f", "/no/such/file"]), 2);
}

#[test]
fn silent_replicas_are_counted_and_named() {
    let fleet = SilentFleet::new();
    let args = ["exec", "-l", "app=api", "--connect-timeout", "50ms", "1"];
    let output = fleet.run(&args);
    assert_eq!(output.status.code(), Some(7));
    assert!(stdout(&output).starts_with("⌁ unreachable  2 replicas\n   api-1  api-2\n"));
    assert!(stderr(&output).contains("api · 2 replicas\n2 unreachable "), "{}", stderr(&output));
    let excused = fleet.run(&[&args[..], &["--exit-zero", "-q"]].concat());
    assert_eq!((excused.status.code(), stderr(&excused)), (Some(0), String::new()));
}

#[test]
fn targets_tell_who_cannot_answer() {
    let fleet = SilentFleet::new();
    let output = fleet.run(&["targets", "api", "--connect-timeout", "50ms", "-o", "json"]);
    assert_eq!(output.status.code(), Some(7));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["targets"][1]["replica"], "api-2");
    assert_eq!(document["targets"][1]["state"], "unreachable");
    let table = fleet.run(&["targets", "api", "--connect-timeout", "50ms"]);
    assert!(stdout(&table).starts_with("NAME   ZONE  VERSION  RUNTIME  STATE\napi-1  -"));
    assert_eq!(stderr(&table), "2 of 2 replicas cannot answer; -o wide shows why\n");
    let names = fleet.run(&["targets", "-A", "--connect-timeout", "50ms", "-o", "name"]);
    assert_eq!(stdout(&names), "api-1\napi-2\n");
}

#[test]
fn an_interrupted_run_still_gives_a_valid_document() {
    let fleet = SilentFleet::new();
    let child = prepl(Some(&fleet.path()))
        .args(["exec", "-A", "-o", "jsonl", "--connect-timeout", "1h", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A sidecar that was dialled proves that the run, and with it Ctrl-C, is under way.
    let dialled = fleet._listeners[0].accept().unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(dialled);
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("interrupting 2 replicas…"), "{}", stderr(&output));
    let lines = stdout(&output);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((&last["kind"], &last["stopped"]), (&"summary".into(), &"interrupted".into()));
    assert_eq!(last["selected"], 2);
}

#[test]
fn a_reader_that_leaves_ends_the_output_quietly() {
    let fleet = SilentFleet::new();
    let mut child = prepl(Some(&fleet.path()))
        .args(["exec", "-A", "-o", "json", "-q", "--connect-timeout", "50ms", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(7), String::new()));
}

#[test]
fn a_fleet_is_made_listed_and_given_to_others() {
    let fleet = SilentFleet::new();
    let list = fleet.run(&["fleet", "list"]);
    assert!(stdout(&list).contains("api-1  default    deployment/api"), "{}", stdout(&list));
    let out = fleet.folder.path().join("for-mira");
    let issue = ["fleet", "issue", "mira", "--role", "viewer", "--out", out.to_str().unwrap()];
    assert!(fleet.run(&issue).status.success());
    let theirs = run(Some(&out), &["fleet", "add", "x", "--address", "10.0.0.1:7070"]);
    refused(&theirs, 1);
    assert!(fleet.run(&["fleet", "remove", "api-1"]).status.success());
    refused(&fleet.run(&["fleet", "remove", "api-1"]), 1);
}

#[test]
fn a_new_fleet_is_not_made_where_the_old_one_is() {
    let fleet = SilentFleet::new();
    let mut init = prepl(Some(&fleet.path()));
    let made = init.args(["fleet", "init", "other"]).current_dir(fleet.folder.path());
    assert_eq!(stdout(&made.output().unwrap()), "other\n");
    assert!(fleet.folder.path().join("other/ca.pem").exists());
}

#[test]
fn all_namespaces_win_over_one() {
    let fleet = SilentFleet::new();
    let quick = ["--connect-timeout", "50ms", "-o", "name"];
    let names = fleet.run(&[&["targets", "-A", "-n", "elsewhere"], &quick[..]].concat());
    assert_eq!(stdout(&names), "api-1\napi-2\n");
}

#[test]
fn a_part_of_the_selection_that_changes_nothing_is_a_warning() {
    let fleet = SilentFleet::new();
    let args = ["-A", "-x", "api-3", "--per", "zoen=1", "--connect-timeout", "50ms"];
    let warned = stderr(&fleet.run(&[&["exec", "1"], &args[..]].concat()));
    assert!(warned.starts_with("warning: -x api-3 leaves out no replica\n"), "{warned}");
    assert!(warned.contains("\nwarning: --per zoen: "), "{warned}");
    let quiet = fleet.run(&[&["exec", "1", "-q"], &args[..]].concat());
    assert_eq!(stderr(&quiet), "");
    let targets = stderr(&fleet.run(&[&["targets"], &args[..]].concat()));
    assert_eq!(targets.matches("warning: ").count(), 2, "{targets}");
}

#[test]
fn help_teaches_by_examples() {
    for command in ["exec", "targets", "demo", "fleet", "auth", "request", "doctor", "completion"] {
        let output = run(None, &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("Examples:\n  "), "{command}");
    }
}

#[test]
fn completion_and_version_are_answers() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(None, &["completion", shell]);
        assert!(output.status.success() && stdout(&output).contains("selector"), "{shell}");
    }
    let script = stdout(&run(None, &["completion", "bash"]));
    for words in ["exact canonical shape", "viewer evaluator admin", "fold diff stream"] {
        assert!(script.contains(words), "{words}");
    }
    assert!(stdout(&run(None, &["version"])).starts_with("prepl "));
}

#[test]
fn a_demo_that_is_not_installed_says_how_to_get_it() {
    let alone = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let link = alone.path().join("prepl");
    // Not a copy: a file that was just written is busy while another test's child inherits it.
    std::fs::hard_link(env!("CARGO_BIN_EXE_prepl"), &link).unwrap();
    let output = Command::new(link).env_clear().args(["demo", "exec", "1"]).output().unwrap();
    let text = refused(&output, 1);
    assert!(text.contains("cargo run -p prepl-demo"), "{text}");
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let args = ["auth", "can-i", "--kubeconfig", "/no/such/kubeconfig"];
    let text = refused(&run(None, &args), 1);
    assert!(text.contains("/no/such/kubeconfig") && text.contains("\nhint: "), "{text}");
}
