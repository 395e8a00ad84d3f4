//! Texts from a pipe.

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::fleet::Fleet;

fn piped(fleet: &Fleet, text: &str) -> Output {
    let mut command = fleet.command();
    command.args(["repl", "-l", "app=api"]).stdin(Stdio::piped());
    let mut prepl = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    prepl.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    prepl.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn each_text_is_answered_in_one_session_without_a_prompt() {
    let fleet = Fleet::of_rhai(2);
    let output = piped(&fleet, "let x = 20;\n\n[x,\n x + 1]\n:w api-1\nx\n");
    assert_eq!(
        text(&output.stdout),
        "● 2/2 same   ()\n● 2/2 same   [20, 21]\n1 of 2 replicas: api-1\n20\n",
        "{}",
        text(&output.stderr)
    );
    assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)));
}

#[test]
fn the_code_is_that_of_the_first_that_went_wrong_and_the_rest_runs() {
    let fleet = Fleet::of_rhai(2);
    let output = piped(&fleet, ":al\nthrow 1\n2\n");
    assert!(text(&output.stdout).ends_with("● 2/2 same   2\n"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).starts_with("error: there is no command :al\n"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(piped(&fleet, "throw 1\n:all").status.code(), Some(5));
}

#[test]
fn a_command_that_leaves_ends_the_text() {
    let output = piped(&Fleet::of_rhai(1), "1\n:quit\n2\n");
    assert_eq!((text(&output.stdout), output.status.code()), ("1\n", Some(0)));
}
