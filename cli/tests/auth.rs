//! The built binary asked who somebody is and what he may: of a cluster, and of a fleet's folder.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::json;

/// What was told on both streams, with this exit code.
fn told(variable: &str, path: &Path, args: &[&str], code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    command.env_clear().env(variable, path).stdin(Stdio::null());
    let output = command.args(args).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// A kubeconfig of an API server that allows nobody anything.
fn without_roles(folder: &Path) -> PathBuf {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().for_each(|stream| refuse(&stream.unwrap())));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    });
    let path = folder.join("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

fn refuse(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    for line in reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
        if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let answer = json!({ "spec": {}, "status": { "allowed": false } }).to_string();
    let head = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nConnection: close";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).unwrap();
}

#[test]
fn what_only_a_cluster_knows_is_not_asked_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["doctor"][..], &["auth", "whoami"]] {
        let text = told("PREPL_FLEET", folder.path(), args, 2);
        assert!(text.contains("a fleet's folder") && text.contains("leave out --fleet"), "{text}");
    }
}

#[test]
fn who_lacks_a_right_learns_the_rule_and_its_workload() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = without_roles(folder.path());
    let asked = |args: &[&str]| told("KUBECONFIG", &kubeconfig, args, 4);
    let one = asked(&["auth", "can-i", "eval", "deploy/api", "-n", "shop"]);
    assert!(one.starts_with("no\n") && one.contains("workloads/eval"), "{one}");
    assert!(one.contains("namespace shop") && one.contains("resourceNames [\"api\"]"), "{one}");
    let all = asked(&["auth", "can-i", "eval", "-n", "shop"]);
    assert!(all.contains("workloads/eval") && !all.contains("resourceNames"), "{all}");
}
