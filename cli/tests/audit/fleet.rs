//! `prepl audit` over the logs of a local fleet, which `prepl exec` wrote.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use prepl_identity::Role;
use prepl_tests::World;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::logged::told;

struct Fleet {
    _runtime: Runtime,
    _world: World,
    folder: PathBuf,
    state: TempDir,
}

impl Fleet {
    /// Two replicas, and the runs of these expressions.
    fn after(expressions: &[&str]) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(World::of_rhai(2));
        let (folder, state) = (world.write_fleet(Role::Evaluator), tempfile::tempdir().unwrap());
        let fleet = Fleet { _runtime: runtime, _world: world, folder, state };
        for expression in expressions {
            told(&fleet.run(&["exec", "-A", expression]), 0);
        }
        fleet
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.state.path()).args(args);
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.join("audit/0")
    }

    fn file(&self) -> PathBuf {
        self.log().join("audit-00000000000000000000.jsonl")
    }
}

#[test]
fn what_ran_is_listed_and_its_log_is_whole() {
    let fleet = Fleet::after(&["6 * 7", "1 + 1"]);
    let (listed, _) = told(&fleet.run(&["audit", "list", "--no-headers"]), 0);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].contains("6 * 7") && lines[0].contains("2 ok"),
        "{listed}"
    );
    let (verified, _) = told(&fleet.run(&["audit", "verify"]), 0);
    assert!(verified.contains("whole") && verified.contains("up to its last record"), "{verified}");
}

#[test]
fn a_log_that_was_cut_is_found_by_what_the_user_keeps_elsewhere() {
    let fleet = Fleet::after(&["6 * 7"]);
    let text = std::fs::read_to_string(fleet.file()).unwrap();
    let cut: String = text.split_inclusive('\n').take(3).collect();
    std::fs::write(fleet.file(), cut).unwrap();
    let (verified, _) = told(&fleet.run(&["audit", "verify"]), 9);
    assert!(verified.contains("the end was cut off"), "{verified}");
    // The copy alone does not tell.
    let alone = ["audit", "verify", "--folder", &fleet.log().display().to_string()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    told(&command.env_clear().args(alone).output().unwrap(), 0);
}

#[test]
fn an_end_that_is_kept_nowhere_else_is_told_once() {
    let fleet = Fleet::after(&[]);
    let warning = "warning: the end of the audit log is kept in the fleet's folder alone: ";
    let errors = |state: Option<&str>, args: &[&str]| {
        let mut command = fleet.command(args);
        match state {
            Some(state) => command.env("XDG_STATE_HOME", state),
            None => command.env_remove("XDG_STATE_HOME"),
        };
        told(&command.output().unwrap(), 0).1
    };
    let loud = errors(None, &["exec", "-A", "1"]);
    assert_eq!(loud.matches(warning).count(), 1, "{loud}");
    assert!(loud.contains("set HOME or XDG_STATE_HOME\n"), "{loud}");
    let not_a_folder = fleet.file().display().to_string();
    let loud = errors(Some(&not_a_folder), &["exec", "-A", "1"]);
    assert!(loud.contains(&format!("{warning}its key cannot be kept: ")), "{loud}");
    let state = fleet.state.path().display().to_string();
    for quiet in
        [errors(None, &["exec", "-A", "-q", "1"]), errors(Some(&state), &["exec", "-A", "1"])]
    {
        assert!(!quiet.contains("warning"), "{quiet}");
    }
}

#[test]
fn a_log_that_was_taken_away_is_missed() {
    let fleet = Fleet::after(&["6 * 7"]);
    std::fs::remove_dir_all(fleet.log()).unwrap();
    let (verified, _) = told(&fleet.run(&["audit", "verify"]), 7);
    assert!(verified.contains("NO LOG"), "{verified}");
    told(&fleet.run(&["exec", "-A", "1"]), 0);
    let (verified, _) = told(&fleet.run(&["audit", "verify"]), 7);
    assert!(verified.contains("NO LOG") && verified.contains("1 checkpoint agrees"), "{verified}");
}

#[test]
fn a_fleet_that_ran_nothing_has_no_log() {
    let fleet = Fleet::after(&[]);
    let (_, errors) = told(&fleet.run(&["audit", "list"]), 3);
    assert!(errors.contains("there is no audit log"), "{errors}");
    let both = ["audit", "list", "--folder", "/tmp", "--fleet", "x"];
    let (_, errors) = told(&fleet.run(&both), 2);
    assert!(errors.contains("--folder names the logs already"), "{errors}");
}
