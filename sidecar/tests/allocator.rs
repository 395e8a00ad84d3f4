//! The program tells its allocator to give memory back.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use prepl_identity::{Authority, MEMBER_LIFETIME, Name, TrustDomain};

#[test]
fn the_process_that_serves_has_the_allocators_settings_and_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("r.pem");
    let domain: TrustDomain = "fleet".parse().unwrap();
    let authority = Authority::create(&domain).unwrap();
    let name = Name::sidecar(&domain, "r").unwrap();
    authority.issue(&name, MEMBER_LIFETIME).unwrap().write(&bundle).unwrap();
    let mut sidecar = Command::new(env!("CARGO_BIN_EXE_prepl-sidecar"))
        .args(["serve", "--listen", "127.0.0.1:0", "--repl", "rhai:", "--bundle"])
        .arg(&bundle)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(sidecar.stderr.take().unwrap()).lines();
    let serves = lines.any(|line| line.unwrap().contains("serving"));
    let environment = std::fs::read(format!("/proc/{}/environ", sidecar.id())).unwrap();
    sidecar.kill().unwrap();
    sidecar.wait().unwrap();
    assert!(serves);
    let set = String::from_utf8_lossy(&environment);
    assert!(set.contains("MALLOC_MMAP_THRESHOLD_=131072"), "{set}");
}
