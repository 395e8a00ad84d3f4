//! Scripts of expression rules: what they see, and that whatever goes wrong denies, in time.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};

use prepl_gateway::scripts::Scripts;
use prepl_policy::{Expressions, Mode, Seen};

const EXPRESSION: &str = "(System/exit \"secret-1\")";

fn denies(script: &str) -> Result<bool, String> {
    let labels = BTreeMap::from([("tier", BTreeSet::from(["db", "web"]))]);
    let seen = Seen { expression: EXPRESSION, mode: Mode::Eval, user: "mira", labels: &labels };
    let judged = Scripts::new().judging().denies(script, &seen);
    judged.map_err(|why| why.to_string())
}

#[test]
fn a_script_sees_the_expression_the_mode_the_user_and_the_labels() {
    for (script, denied) in [
        ("expression.contains(\"exit\")", true),
        ("expression.contains(\"drop\")", false),
        ("mode == \"eval\"", true),
        ("user != \"mira\"", false),
        ("\"db\" in labels.tier", true),
        ("labels.other != () && \"x\" in labels.other", false),
        (
            "let bad = false; for word in expression.split() { if word == \"x\" { bad = true; } } bad",
            false,
        ),
    ] {
        assert_eq!(denies(script), Ok(denied), "{script}");
    }
}

#[test]
fn a_script_that_does_not_say_true_or_false_denies() {
    for (script, why) in [
        ("loop {}", "limit of operations"),
        ("let a = \"x\"; loop { a += a; }", "limit of"),
        ("fn f() { f() } f()", "limit of"),
        ("42", "must give true or false"),
        ("\"true\"", "must give true or false"),
        ("()", "must give true or false"),
        ("(", "cannot be read at line 1"),
        ("throw expression", "its script threw on line 1"),
        ("missing(1)", "its script threw on line 1"),
        ("expression = \"1\"; false", "its script"),
        ("labels.other.contains(1)", "its script threw"),
        ("env_names().len() > 0", "its script threw"),
    ] {
        let told = denies(script).unwrap_err();
        assert!(told.contains("cannot be judged") && told.contains(why), "{script}: {told}");
        assert!(!told.contains("secret-1"), "{script} tells the expression: {told}");
    }
}

#[test]
fn scripts_that_never_end_use_up_the_time_of_all_of_them() {
    let labels = BTreeMap::new();
    let seen = Seen { expression: "1", mode: Mode::Eval, user: "mira", labels: &labels };
    let judging = Scripts::new().judging();
    // Each step is one that takes long.
    let slow = "let a = []; a.pad(9000, \"x\"); loop { a.contains(\"y\"); }";
    let told = (0..1000).map(|_| judging.denies(slow, &seen).unwrap_err().to_string());
    let last = told.into_iter().find(|why| why.contains("all policies together"));
    assert!(last.is_some(), "the time has no end");
    assert!(judging.denies("false", &seen).is_err(), "there is time again");
}
