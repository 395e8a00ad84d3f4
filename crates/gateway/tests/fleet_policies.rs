//! The policies of a local fleet's folder: read with it, and told by their lines when they are bad.

#![expect(clippy::unwrap_used, reason = "a folder that cannot be made is a failed test")]

use std::fs;
use std::path::Path;

use prepl_core::{Expression, Limits, Selection};
use prepl_gateway::local::{Fleet, NewReplica, policies};
use prepl_gateway::{Grounds, Mode, Request};
use prepl_identity::Role;

const WHOLE: &str = r#"
selector = "app=api"

[ceilings]
mode = "eval"
replicas = 20
eval_seconds = 10
value_bytes = 65536
output_bytes = 65536

[reason]
required = true

[ticket]
required = true
pattern = "^(INC|CHG)-[0-9]+$"

[approvals]
count = 1
modes = ["attach"]

[[expressions.deny]]
regex = "System/exit"
message = "restart the pod instead"

[[expressions.deny]]
rhai = 'expression.contains("drop") && "db" in labels.tier'

[[redaction]]
pattern = "[0-9]{16}"
replace = "<card>"

[break_glass]
allowed = true
max_seconds = 600
"#;

fn told(text: &str) -> String {
    policies::parse("policies/p.toml", text).unwrap_err().to_string()
}

#[test]
fn every_field_is_read() {
    let policy = policies::parse("policies/p.toml", WHOLE).unwrap();
    assert_eq!(&**policy.name(), "policies/p.toml");
    assert!(policy.problem().is_none());
}

#[test]
fn the_documents_example_is_one() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policies.md"));
    let page = page.unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    policies::parse("policies/example.toml", example).unwrap();
}

#[test]
fn errors_name_the_line() {
    for (text, line, words) in [
        ("selector = \"\"\nnonsense = 1", 2, "unknown field"),
        ("[ceilings]\nmode = \"root\"", 2, "unknown variant"),
        ("[ceilings]\n\nreplicas = 0", 3, "ceilings.replicas: write a number from 1 to 10000"),
        ("[ceilings]\nreplicas = -1", 2, "invalid value"),
        ("[ceilings]\nruns_per_minute = 5", 2, "nobody counts the runs"),
        ("\nselector = \"app=(\"", 2, "selector: cannot read the label selector"),
        ("[reason]\nrequired = true\npattern = \"(\"", 3, "no regular expression"),
        (
            "[[expressions.deny]]\nregex = \"x\"\n[[expressions.deny]]\nregex = \"[\"",
            4,
            "deny.1.regex",
        ),
        ("[[expressions.deny]]\nregex = \"x\"\n[[expressions.deny]]\nmessage = \"m\"", 3, "either"),
        ("[[redaction]]\npattern = \"x\"\nreplace = 1", 3, "invalid type"),
        ("[break_glass]\nallowed = true", 1, "say max_seconds too"),
        ("[ceilings", 1, ""),
    ] {
        let told = told(text);
        assert!(
            told.starts_with(&format!("line {line}: ")) && told.contains(words),
            "{text}: {told}"
        );
    }
}

fn fleet(folder: &Path) -> Fleet {
    let mut fleet = Fleet::init(folder, "shop", "mira").unwrap();
    let replica = NewReplica {
        name: "api-1".into(),
        namespace: "default".into(),
        workload: "deployment/api".into(),
        labels: [("app".to_owned(), "api".to_owned())].into(),
        node: String::new(),
        zone: String::new(),
        version: String::new(),
        address: "127.0.0.1:7070".into(),
    };
    fleet.add(&replica, "uid-1").unwrap();
    fleet
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join("policies")).unwrap();
    fs::write(folder.join("policies").join(name), text).unwrap();
}

fn request(expression: &str, ticket: &str) -> Request {
    Request {
        mode: Mode::Eval,
        limits: Limits::default(),
        expression: Some(Expression::new(expression).unwrap()),
        read_only: false,
        grounds: Grounds::new("why", ticket).unwrap(),
    }
}

#[test]
fn a_fleet_holds_its_users_to_its_policies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop");
    fleet(&path);
    write(&path, "whole.toml", WHOLE);
    write(&path, "README", "not a policy");
    let fleet = Fleet::open(&path).unwrap();
    let (user, selection) = (fleet.user().unwrap(), Selection::of(fleet.replicas().to_vec()));
    let permit = user.permit(&selection, &request("(+ 1 2)", "INC-7")).unwrap();
    assert_eq!(permit.ceiling().time().as_secs(), 10);
    let denied = user.permit(&selection, &request("(System/exit 0)", "INC-7")).unwrap_err();
    let words = "denied by policies/whole.toml, expression 1: restart the pod instead";
    assert_eq!(denied.to_string(), words);
    let denied = user.permit(&selection, &request("1", "X")).unwrap_err().to_string();
    assert!(denied.contains("--ticket ID"), "{denied}");
    let denied = user.permit_to_attach(&selection).unwrap_err().to_string();
    assert!(denied.contains("at most eval is allowed"), "{denied}");
}

#[test]
fn a_bad_policy_keeps_the_fleet_from_being_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop");
    fleet(&path);
    write(&path, "bad.toml", "\n[reason]\npattern = \"(\"");
    let told = Fleet::open(&path).unwrap_err().to_string();
    assert!(told.contains("policies/bad.toml, line 3: reason.pattern"), "{told}");
    write(&path, "bad.toml", &"#".repeat(129 << 10));
    let told = Fleet::open(&path).unwrap_err().to_string();
    assert!(told.contains("larger than 128 KiB"), "{told}");
    fs::remove_file(path.join("policies/bad.toml")).unwrap();
    for number in 0..=64 {
        write(&path, &format!("{number}.toml"), "");
    }
    let told = Fleet::open(&path).unwrap_err().to_string();
    assert!(told.contains("at most 64 policies"), "{told}");
}

#[test]
fn an_issued_folder_has_the_policies_too() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("shop"), folder.path().join("for-otto"));
    fleet(&path);
    write(&path, "whole.toml", WHOLE);
    Fleet::open(&path).unwrap().issue("otto", Role::Evaluator, &out).unwrap();
    let issued = Fleet::open(&out).unwrap();
    let selection = Selection::of(issued.replicas().to_vec());
    assert!(issued.user().unwrap().permit(&selection, &request("1", "X")).is_err());
}
