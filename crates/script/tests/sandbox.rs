//! What a script cannot reach.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use common::{message_of, once, run, text_of};
use prepl_script::{Engine, Fault, Limits, Session, Sight};

fn session_below(root: &Path) -> Session {
    let sight = Sight { roots: vec![root.to_owned()], ..Sight::default() };
    Session::new(Engine::new(sight, Limits::default()))
}

fn read(session: &mut Session, path: &Path) -> Result<prepl_script::Value, Fault> {
    run(session, &format!("read_file({:?})", path.to_str().unwrap()))
}

#[test]
fn modules_eval_sleep_and_curry_do_not_exist() {
    for text in [
        "import \"x\" as y;",
        "eval(\"1\")",
        "Fn(\"eval\").call(\"1\")",
        "sleep(1)",
        "Fn(\"sleep\").call(1)",
        "let f = |x| x; f.curry(1)",
        "let f = Fn(\"abs\"); Fn(\"curry\").call(f, 1)",
        "let e = \"ev\" + \"al\"; Fn(e).call(\"1\")",
        "let c = \"cur\" + \"ry\"; let f = Fn(\"abs\"); Fn(c).call(f, 1)",
    ] {
        assert!(once(text).is_err(), "{text}");
    }
}

#[test]
fn a_file_below_a_root_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.txt"), "hello").unwrap();
    symlink("a.txt", root.path().join("link")).unwrap();
    let mut session = session_below(root.path());
    assert_eq!(read(&mut session, &root.path().join("a.txt")).unwrap().text, "\"hello\"");
    assert_eq!(read(&mut session, &root.path().join("link")).unwrap().text, "\"hello\"");
    let list = format!("list_dir({:?}).map(|e| e.name + \" \" + e.kind)", root.path());
    assert_eq!(text_of(&mut session, &list), "[\"a.txt file\", \"link link\"]");
    let exists = format!("file_exists({:?})", root.path().join("a.txt"));
    assert_eq!(text_of(&mut session, &exists), "true");
}

#[test]
fn without_roots_there_are_no_files() {
    assert!(message_of(once("read_file(\"/etc/hostname\")")).contains("no folder is open"));
    assert_eq!(once("file_exists(\"/etc\")").unwrap().text, "false");
}

#[test]
fn no_path_leads_out_of_a_root() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "hidden").unwrap();
    let root = tempfile::tempdir().unwrap();
    symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
    symlink(outside.path(), root.path().join("folder")).unwrap();
    let up = root.path().join("..").join(outside.path().file_name().unwrap()).join("secret");
    // A name that begins like the root is not below it.
    let twin = root.path().with_extension("twin");
    fs::write(&twin, "hidden").unwrap();
    let mut session = session_below(root.path());
    for path in [
        outside.path().join("secret"),
        root.path().join("file"),
        root.path().join("folder/secret"),
        up,
        twin.clone(),
        root.path().join("missing"),
    ] {
        let message = message_of(read(&mut session, &path));
        assert!(message.contains("is not below a folder"), "{path:?}: {message}");
        let exists = format!("file_exists({path:?})");
        assert_eq!(text_of(&mut session, &exists), "false", "{path:?}");
    }
    let list = format!("list_dir({:?})", root.path().join("folder"));
    run(&mut session, &list).unwrap_err();
    fs::remove_file(twin).unwrap();
}

#[test]
fn what_is_no_regular_text_file_of_one_mebibyte_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    fs::write(at("bytes"), [0xff, 0xfe]).unwrap();
    fs::write(at("long"), "a".repeat((1 << 20) + 1)).unwrap();
    let mut session = session_below(root.path());
    for (name, why) in [
        ("socket", "not a regular file"),
        ("pipe", "not a regular file"),
        ("", "not a regular file"),
        ("bytes", "not UTF-8"),
        ("long", "larger than"),
    ] {
        let message = message_of(read(&mut session, &at(name)));
        assert!(message.contains(why), "{name}: {message}");
    }
}

#[test]
fn devices_are_never_opened() {
    let mut session = session_below(Path::new("/dev"));
    let message = message_of(read(&mut session, Path::new("/dev/zero")));
    assert!(message.contains("not a regular file"), "{message}");
}

#[test]
fn environment_names_are_seen_and_values_are_not() {
    let names = once("env_names()").unwrap().text;
    let path = std::env::var("PATH").unwrap();
    assert!(names.contains("\"PATH\""));
    assert!(!names.contains(&path));
    for text in ["env(\"PATH\")", "env_value(\"PATH\")", "env_names()[0].value"] {
        assert!(once(text).is_err(), "{text}");
    }
}

#[test]
fn a_process_tells_its_name_and_size_but_no_arguments() {
    let me = std::process::id();
    let keys = once(&format!("process({me}).keys()")).unwrap().text;
    assert_eq!(keys, r#"["name", "pid", "rss_kb", "start", "threads"]"#);
    let listed = once(&format!("processes().filter(|p| p.pid == {me}).len()")).unwrap();
    assert_eq!(listed.text, "1");
    assert_eq!(once(&format!("process({me}).rss_kb > 0")).unwrap().text, "true");
    assert!(message_of(once("process(-1)")).contains("no process -1"));
}
