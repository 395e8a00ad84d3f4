//! What `prepl audit` tells of input that was given to a run.

use crate::logged::{Logged, told};
use serde_json::Value;

#[test]
fn input_stands_below_its_run_and_is_redacted() {
    let logged = Logged::of_input();
    let (lines, _) = told(&logged.audit(&["list", "-o", "jsonl"]), 0);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [run, input, last] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&run["what"], &input["what"]), (&"eval".into(), &"input".into()));
    assert!([input, last].iter().all(|one| one["run"] == run["run"] && one["user"] == "mira"));
    assert_eq!(input["expression"], "(login \"***\")\n");
    assert_eq!(run["outcomes"]["ok"], 1, "its end is the run's own");
}

#[test]
fn a_run_is_shown_with_all_that_it_read() {
    let logged = Logged::of_input();
    let (shown, _) = told(&logged.audit(&["show", "00000001"]), 0);
    let parts: Vec<&str> = shown.split("\n\n").collect();
    assert_eq!(parts.len(), 4, "{shown}");
    for part in ["place       0\n", "user        mira", "│ (login \"***\")", "redacted    1 times"]
    {
        assert!(parts[1].contains(part), "{part} in {}", parts[1]);
    }
    assert!(parts[2].contains("place       1, the last"), "{}", parts[2]);
    assert!(!shown.contains("hunter2"));
}
