//! What SECURITY.md says is tried is there to be run.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}

/// The tests that a text names, `` `FILE.rs::FUNCTION` ``.
fn named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|name| name.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
        .collect()
}

/// Whether a file has this test, or this scenario in the list of those that are played.
fn is_tried(file: &str, name: &str) -> bool {
    let text = read(file);
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else { return false };
    match file.strip_prefix("tests/cluster/scenarios/src/scenario/") {
        Some(module) => {
            let played = format!("{}::{name})", module.trim_end_matches(".rs"));
            read("tests/cluster/scenarios/src/scenario.rs").contains(&played)
        }
        None => {
            let attributes = before.rsplit("\n\n").next().unwrap();
            ["#[test]", "#[tokio::test"].iter().any(|test| attributes.contains(test))
        }
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let text = read("SECURITY.md");
    let named = named(&text);
    assert!(named.len() > 50, "{} were read", named.len());
    let missing: Vec<_> = named.into_iter().filter(|(file, name)| !is_tried(file, name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_attack_is_tried_and_its_rest_is_said() {
    let text = read("SECURITY.md");
    let (_, attacks) = text.split_once("\n## Attacks\n").unwrap();
    let rows: Vec<Vec<&str>> = attacks
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .skip(1)
        .collect();
    assert!(rows.len() > 25, "{} rows", rows.len());
    for row in rows {
        let [attack, control, tried, rest] = row[..] else { panic!("{row:?}") };
        assert!(!attack.is_empty() && !control.is_empty() && !rest.is_empty(), "{row:?}");
        assert!(!named(tried).is_empty(), "nothing tries: {attack}");
    }
}

#[test]
fn what_is_no_test_is_not_taken_for_one() {
    assert!(is_tried("tests/security.rs", "what_is_no_test_is_not_taken_for_one"));
    assert!(is_tried("tests/cluster/scenarios/src/scenario/rights.rs", "revoked"));
    assert!(!is_tried("tests/security.rs", "root"));
    assert!(!is_tried("tests/security.rs", "nowhere"));
    assert!(!is_tried("tests/no_such_file.rs", "revoked"));
    assert!(!is_tried("tests/cluster/scenarios/src/scenario/rights.rs", "allowed"));
}
