//! The runtimes that other tests use are themselves tried.

use std::path::Path;
use std::process::Command;

#[test]
fn the_clojure_session_store_keeps_its_promises() {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/clojure/test_session_store.py");
    let Ok(tried) = Command::new("python3").arg(script).output() else {
        assert!(std::env::var_os("CI").is_none(), "CI needs Python");
        eprintln!("SKIPPED: no python3 on this machine");
        return;
    };
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
}
