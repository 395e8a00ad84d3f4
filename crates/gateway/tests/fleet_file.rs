//! `fleet.toml`: read, checked and changed.

#![expect(clippy::unwrap_used, reason = "a file that cannot be made is a failed test")]

use prepl_gateway::local::{FleetFile, NewReplica, edit};
use prepl_identity::TrustDomain;
use proptest::prelude::*;

fn replica(name: &str) -> NewReplica {
    NewReplica {
        name: name.into(),
        namespace: "shop".into(),
        workload: "deploy/api".into(),
        labels: [("app".to_owned(), "api".to_owned())].into(),
        node: "m7".into(),
        zone: String::new(),
        version: "2.41.0".into(),
        address: "10.0.0.7:7070".into(),
    }
}

fn empty() -> String {
    edit::empty(&"shop".parse::<TrustDomain>().unwrap())
}

fn names(text: &str) -> Vec<String> {
    let file = FleetFile::parse(text).unwrap();
    file.replicas.iter().map(|replica| replica.id.to_string()).collect()
}

#[test]
fn what_is_added_is_read() {
    let text = edit::add(&empty(), &replica("api-1"), "uid-1").unwrap();
    let file = FleetFile::parse(&text).unwrap();
    let [added] = &file.replicas[..] else { panic!("{text}") };
    assert_eq!((&*added.id.name, &*added.id.uid, &*added.id.namespace), ("api-1", "uid-1", "shop"));
    assert_eq!(added.workload.to_string(), "deployment/api");
    assert_eq!((added.labels.get("app"), &*added.zone), (Some("api"), ""));
}

#[test]
fn comments_survive_a_change() {
    let text = empty() + "# the old machine\n";
    let text = edit::add(&text, &replica("api-1"), "uid-1").unwrap();
    let text = edit::add(&text, &replica("api-2"), "uid-2").unwrap();
    let text = edit::remove(&text, "shop/api-1").unwrap();
    assert!(text.contains("# The replicas of one prepl fleet."), "{text}");
    assert_eq!(names(&text), ["shop/api-2"]);
}

#[test]
fn who_is_not_there_cannot_be_removed() {
    let text = edit::add(&empty(), &replica("api-1"), "uid-1").unwrap();
    for name in ["api-2", "other/api-1", ""] {
        assert!(edit::remove(&text, name).is_err(), "{name}");
    }
}

#[test]
fn every_error_names_its_line() {
    let head = "version = 1\nname = \"shop\"\n";
    let one = "[[replica]]\nname = \"a\"\nuid = \"u\"\naddress = \"h:1\"\n";
    for (text, line, words) in [
        ("version = 2\nname = \"shop\"\n".to_owned(), 1, "version 1"),
        ("version = 1\nname = \"No Name\"\n".to_owned(), 2, "cannot name a fleet"),
        (format!("{head}[[replica]\n"), 3, ""),
        (format!("{head}\nreplicas = 1\n"), 4, "unknown field"),
        (
            format!("{head}[[replica]]\nname = \"a/b\"\nuid = \"u\"\naddress = \"h:1\"\n"),
            4,
            "no name",
        ),
        (format!("{head}{}", one.replace("h:1", "h")), 6, "HOST:PORT"),
        (format!("{head}{one}workload = \"api\"\n"), 7, "TYPE/NAME"),
        (format!("{head}{one}{one}"), 8, "twice"),
        (format!("{head}{one}{}", one.replace("\"a\"", "\"b\"")), 8, "UID of another"),
    ] {
        let bad = FleetFile::parse(&text).unwrap_err();
        assert_eq!(bad.line, line, "{bad} in\n{text}");
        assert!(bad.problem.contains(words) && !bad.problem.contains('\n'), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,300}") {
        let _ = FleetFile::parse(&text);
        let _ = edit::add(&text, &replica("a"), "u");
        let _ = edit::remove(&text, "a");
    }

    #[test]
    fn adding_and_removing_leaves_the_others(kept in 1_usize..6, gone in 0_usize..6) {
        let mut text = empty();
        for number in 0..=kept {
            text = edit::add(&text, &replica(&format!("r{number}")), &format!("u{number}")).unwrap();
        }
        let gone = gone % (kept + 1);
        text = edit::remove(&text, &format!("r{gone}")).unwrap();
        let left: Vec<_> =
            (0..=kept).filter(|n| *n != gone).map(|n| format!("shop/r{n}")).collect();
        prop_assert_eq!(names(&text), left);
    }
}
