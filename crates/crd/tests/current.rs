//! The chart carries the definitions that this code has.

use std::fs;
use std::path::Path;

#[test]
fn the_charts_definitions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/prepl/definitions");
    for (name, content) in prepl_crd::generate::files().unwrap() {
        let stored = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(stored == content, "{name} is stale; run: cargo run -p prepl-crd");
    }
}

#[test]
fn the_chart_carries_no_other_definitions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/prepl/definitions");
    let stored = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut stored: Vec<_> = stored.map(|name| name.into_string().unwrap()).collect();
    stored.sort();
    let files = prepl_crd::generate::files().unwrap();
    let mut made: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    made.sort_unstable();
    assert_eq!(stored, made);
}

#[test]
fn a_definition_demands_that_the_spec_never_changes() {
    let (_, content) = prepl_crd::generate::files().unwrap().remove(0);
    assert!(content.contains("self == oldSelf"), "{content}");
}
