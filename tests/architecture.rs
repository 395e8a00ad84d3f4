//! The rules of ARCHITECTURE.md that a machine can check.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each package may use of this workspace, in production code.
const MAY_USE: &[(&str, &[&str])] = &[
    ("prepl-core", &[]),
    ("prepl-audit", &["prepl-core", "prepl-fault"]),
    ("prepl-bencode", &[]),
    ("prepl-fault", &[]),
    ("prepl-identity", &[]),
    ("prepl-runtime", &["prepl-identity", "prepl-proto"]),
    ("prepl-reader", &[]),
    ("prepl-script", &[]),
    ("prepl-fanout", &["prepl-core"]),
    ("prepl-fold", &["prepl-core"]),
    ("prepl-proto", &["prepl-core"]),
    ("prepl-policy", &["prepl-core"]),
    ("prepl-crd", &["prepl-core", "prepl-policy"]),
    (
        "prepl-gateway",
        &[
            "prepl-audit",
            "prepl-bencode",
            "prepl-core",
            "prepl-fanout",
            "prepl-fault",
            "prepl-identity",
            "prepl-policy",
            "prepl-proto",
            // It runs the scripts of policies, so that policy itself knows no engine.
            "prepl-script",
        ],
    ),
    (
        "prepl-operator",
        &[
            "prepl-audit",
            "prepl-core",
            "prepl-crd",
            "prepl-fanout",
            "prepl-gateway",
            "prepl-identity",
            "prepl-policy",
            "prepl-proto",
            "prepl-runtime",
        ],
    ),
    (
        "prepl-sidecar",
        &[
            "prepl-bencode",
            "prepl-core",
            "prepl-identity",
            "prepl-proto",
            "prepl-reader",
            "prepl-runtime",
            "prepl-script",
        ],
    ),
    (
        "prepl-cli",
        &[
            "prepl-audit",
            "prepl-bencode",
            "prepl-core",
            "prepl-crd",
            "prepl-fold",
            "prepl-gateway",
            "prepl-identity",
            "prepl-reader",
        ],
    ),
    ("session-store", &["prepl-bencode"]),
    (
        "prepl-cluster-scenarios",
        &["prepl-audit", "prepl-core", "prepl-gateway", "prepl-identity", "prepl-proto"],
    ),
    // The one program that brings the others together, and the tests.
    (
        "prepl-demo",
        &[
            "prepl-cli",
            "prepl-gateway",
            "prepl-identity",
            "prepl-runtime",
            "prepl-sidecar",
            "session-store",
        ],
    ),
    (
        "prepl-bench",
        &[
            "prepl-bencode",
            "prepl-core",
            "prepl-fanout",
            "prepl-gateway",
            "prepl-identity",
            "prepl-proto",
            "prepl-sidecar",
        ],
    ),
    (
        "prepl-tests",
        &[
            "prepl-audit",
            "prepl-bencode",
            "prepl-core",
            "prepl-fanout",
            "prepl-gateway",
            "prepl-identity",
            "prepl-operator",
            "prepl-proto",
            "prepl-runtime",
            "prepl-sidecar",
        ],
    ),
];

/// Libraries that only these packages may name.
const NAMED_BY: &[(&str, &[&str])] = &[
    ("rustls", &["prepl-identity"]),
    ("tokio-rustls", &["prepl-identity"]),
    ("rcgen", &["prepl-identity"]),
    ("ring", &["prepl-audit"]),
    ("rhai", &["prepl-script"]),
    ("rustyline", &["prepl-cli"]),
    (
        "tonic",
        &[
            "prepl-proto",
            "prepl-gateway",
            "prepl-runtime",
            "prepl-sidecar",
            "prepl-operator",
            "prepl-tests",
            "prepl-bench",
            "prepl-cluster-scenarios",
        ],
    ),
    ("kube", &["prepl-crd", "prepl-operator", "prepl-cli"]),
    ("prost", &["prepl-proto"]),
    ("steel-core", &["session-store"]),
];

/// Libraries that must not be in the tree at all: one TLS provider, no OpenSSL, no C compiler run
/// for cryptography but ring's own.
const BANNED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];

/// Lines of production code in one file.
const MAX_FILE_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn metadata() -> Value {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    serde_json::from_slice(&cargo.stdout).unwrap()
}

/// Production dependencies of the workspace's own packages, by name.
fn own_edges(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let own = packages.filter(|package| members.contains(package["id"].as_str().unwrap()));
    own.map(|package| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let used = dependencies.filter(|dependency| dependency["kind"].is_null());
        let names = used.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        (package["name"].as_str().unwrap().to_owned(), names.collect())
    })
    .collect()
}

#[test]
fn packages_use_only_what_they_may() {
    let edges = own_edges(&metadata());
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    assert_eq!(
        edges.keys().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>(),
        "every package of the workspace has its line in MAY_USE"
    );
    for (package, used) in &edges {
        for name in used.iter().filter(|name| edges.contains_key(*name)) {
            let may = allowed[package.as_str()].contains(&name.as_str());
            assert!(may, "{package} must not use {name}");
        }
    }
}

#[test]
fn nothing_that_ships_has_fault_points() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let uses = packages.flat_map(|package| package["dependencies"].as_array().unwrap());
    let (tests, products): (Vec<_>, Vec<_>) = uses
        .filter(|dependency| dependency["name"] == "prepl-fault")
        .partition(|dependency| dependency["kind"] == "dev");
    let armed = |dependency: &&Value| dependency["features"] != serde_json::json!([]);
    assert!(tests.iter().any(armed) && !products.is_empty(), "the dependencies were read");
    assert!(!products.iter().any(armed), "only tests may turn on the feature armed");
}

#[test]
fn libraries_are_named_where_they_belong() {
    let edges = own_edges(&metadata());
    for (library, packages) in NAMED_BY {
        for (package, used) in &edges {
            let stray = used.contains(*library) && !packages.contains(&package.as_str());
            assert!(!stray, "{package} must not name {library}; only {packages:?} may");
        }
    }
}

#[test]
fn one_tls_provider_and_no_openssl() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let names: BTreeSet<&str> = names.map(|name| name.trim_matches('"')).collect();
    assert!(names.contains("rustls"), "the lock file was read");
    for banned in BANNED {
        assert!(!names.contains(banned), "{banned} is in the dependency tree");
    }
}

#[test]
fn files_stay_readable() {
    let mut long = Vec::new();
    for file in rust_files(&root()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let production = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
        if production > MAX_FILE_LINES && !is_test(&file) {
            long.push(format!("{}: {production} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "split along an idea:\n{}", long.join("\n"));
}

#[test]
fn every_crate_says_what_it_is_for() {
    for file in rust_files(&root()).into_iter().filter(|file| file.ends_with("src/lib.rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} has no front page", file.display());
    }
}

#[test]
fn a_front_page_with_a_reading_order_names_every_module() {
    let mut omitted = Vec::new();
    for file in rust_files(&root()).into_iter().filter(|file| !is_test(file)) {
        let text = std::fs::read_to_string(&file).unwrap();
        let missing = modules_not_named(&text);
        omitted.extend(missing.into_iter().map(|name| format!("{}: {name}", file.display())));
    }
    assert!(omitted.is_empty(), "say on the page what each is:\n{}", omitted.join("\n"));
}

/// Modules of a file that its front page does not name in backticks, if that gives a reading order.
fn modules_not_named(text: &str) -> Vec<&str> {
    let page: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
    let modules = text.lines().filter_map(|line| {
        let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let has_order = page.to_lowercase().contains("reading order");
    let named = |name: &str| page.contains(&format!("`{name}`"));
    modules.filter(|name| has_order && *name != "tests" && !named(name)).collect()
}

#[test]
fn a_module_that_a_page_omits_is_found() {
    let file =
        |page: &str| format!("{page}\n\npub mod line;\nmod dial;\n\n#[cfg(test)]\nmod tests;\n");
    assert!(
        modules_not_named(&file("//! Reading order: [`line`] one · `dial` way to it.")).is_empty()
    );
    assert_eq!(modules_not_named(&file("//! # Reading order\n//!\n//! [`line`] one.")), ["dial"]);
    assert!(modules_not_named(&file("//! One line.")).is_empty());
}

/// Files of tests alone: in a folder of them, or named so.
fn is_test(file: &Path) -> bool {
    let within = file.strip_prefix(root()).unwrap();
    let named = within.file_name().is_some_and(|name| name == "tests.rs");
    let folder = |part: Component<'_>| part.as_os_str() == "tests" || part.as_os_str() == "benches";
    named || within.components().any(folder)
}

#[test]
fn production_code_is_told_from_tests() {
    let file = |name: &str| root().join(name);
    assert!(!is_test(&file("cli/src/exec.rs")) && !is_test(&file("sidecar/src/main.rs")));
    assert!(is_test(&file("cli/src/render/tests.rs")) && is_test(&file("tests/e2e/crowd.rs")));
}

/// The workspace's own sources: no build output, no fuzz targets.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let skipped = |name: &str| name.starts_with('.') || name == "target" || name == "fuzz";
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !skipped(&name) {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
