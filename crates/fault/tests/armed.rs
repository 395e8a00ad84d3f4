//! A process dies at the point that its environment names, and nowhere else.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use prepl_fault::{LABELS, VARIABLE, point};

const SIGKILL: i32 = 9;
/// What a test process says when an assertion in it failed.
const PANICKED: i32 = 101;

/// Not a test of its own: the process that is started by those below.
#[test]
#[ignore = "it is started by the tests below"]
fn passes_every_point_twice() {
    LABELS.iter().chain(LABELS).for_each(|label| point(label));
}

/// Not a test of its own: its point is in no list.
#[test]
#[ignore = "it is started by the tests below"]
fn passes_a_point_that_nobody_knows() {
    point("nobody.knows");
}

fn started(test: &str, chosen: &str) -> ExitStatus {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", test, "--ignored"]).env(VARIABLE, chosen);
    process.output().unwrap().status
}

#[test]
fn it_dies_at_every_point_at_the_passing_that_is_named() {
    for label in LABELS {
        for (suffix, dies) in [("", true), (":1", true), (":2", true), (":3", false), (":0", false)]
        {
            let status = started("passes_every_point_twice", &format!("{label}{suffix}"));
            assert_eq!(status.signal() == Some(SIGKILL), dies, "{label}{suffix}: {status}");
            assert!(dies || status.success(), "{label}{suffix}: {status}");
        }
    }
}

#[test]
fn another_label_is_no_point() {
    assert!(started("passes_every_point_twice", "run").success());
    assert!(started("passes_every_point_twice", "").success());
}

#[test]
fn a_point_that_is_not_listed_fails_its_test() {
    assert_eq!(started("passes_a_point_that_nobody_knows", "").code(), Some(PANICKED));
}
