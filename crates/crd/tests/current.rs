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
fn a_definition_demands_that_the_spec_never_changes() {
    let (_, content) = prepl_crd::generate::files().unwrap().remove(0);
    assert!(content.contains("self == oldSelf"), "{content}");
}
