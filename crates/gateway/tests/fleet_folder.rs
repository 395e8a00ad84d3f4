//! The folder of a local fleet: who holds what, and changes at the same time.

#![expect(clippy::unwrap_used, reason = "a folder that cannot be made is a failed test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use prepl_gateway::local::{Fleet, FleetError, NewReplica};
use prepl_identity::{Bundle, Holder, Role};

fn replica(name: &str) -> NewReplica {
    NewReplica {
        name: name.into(),
        namespace: "default".into(),
        workload: String::new(),
        labels: Default::default(),
        node: String::new(),
        zone: String::new(),
        version: String::new(),
        address: "127.0.0.1:7070".into(),
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop");
    let mut fleet = Fleet::init(&path, "shop", "mira").unwrap();
    let bundle = fleet.add(&replica("api-1"), "uid-1").unwrap();
    for file in [&path.join("ca.pem"), &path.join("user.pem"), &bundle] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let holder = Bundle::read(&bundle).unwrap().name().holder.clone();
    assert!(matches!(holder, Holder::Sidecar { uid } if uid.as_str() == "uid-1"));
}

#[test]
fn an_issued_folder_asks_and_does_not_administer() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = Fleet::init(&folder.path().join("shop"), "shop", "mira").unwrap();
    let out = folder.path().join("otto");
    fleet.issue("otto", Role::Viewer, &out).unwrap();
    let mut issued = Fleet::open(&out).unwrap();
    assert!(issued.user().is_ok());
    let refused = issued.add(&replica("api-1"), "uid-1").unwrap_err();
    assert!(matches!(refused, FleetError::NotAdministrator(_)), "{refused}");
    let again = fleet.issue("otto", Role::Viewer, &out).unwrap_err();
    assert!(matches!(again, FleetError::Exists(_)), "{again}");
}

#[test]
fn a_fleet_is_not_made_over_another_and_none_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Fleet::open(folder.path()).unwrap_err();
    assert!(missing.to_string().contains("prepl fleet init"), "{missing}");
    Fleet::init(folder.path(), "shop", "mira").unwrap();
    assert!(matches!(Fleet::init(folder.path(), "shop", "mira"), Err(FleetError::Exists(_))));
}

#[test]
fn what_a_killed_command_left_is_swept_by_the_next_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut fleet = Fleet::init(path, "shop", "mira").unwrap();
    // As the writer of key files names them.
    let (_, left) = tempfile::NamedTempFile::new_in(path.join("sidecars")).unwrap().keep().unwrap();
    std::fs::write(path.join(".tmpAbC123"), "key").unwrap();
    let mine = [".tmp-notes", ".tmpAbC12", "tmpAbC123", "sidecars/.tmpAbC123.pem"];
    mine.iter().for_each(|name| std::fs::write(path.join(name), "mine").unwrap());
    fleet.add(&replica("api-1"), "uid-1").unwrap();
    assert!(!left.exists() && !path.join(".tmpAbC123").exists());
    assert!(mine.iter().all(|name| path.join(name).exists()));
}

#[test]
fn replicas_that_are_added_at_the_same_time_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    Fleet::init(folder.path(), "shop", "mira").unwrap();
    thread::scope(|scope| {
        for number in 0..8 {
            let path = folder.path();
            scope.spawn(move || {
                let mut fleet = Fleet::open(path).unwrap();
                fleet.add(&replica(&format!("r{number}")), &format!("u{number}")).unwrap();
            });
        }
    });
    assert_eq!(Fleet::open(folder.path()).unwrap().replicas().len(), 8);
}

#[test]
fn equal_names_in_two_namespaces_have_a_bundle_each_and_are_not_confused() {
    let folder = tempfile::tempdir().unwrap();
    let mut fleet = Fleet::init(folder.path(), "shop", "mira").unwrap();
    let there = NewReplica { namespace: "staging".into(), ..replica("api-1") };
    let here = fleet.add(&replica("api-1"), "u1").unwrap();
    let there = fleet.add(&there, "u2").unwrap();
    assert_ne!(here, there);
    let refused = fleet.remove("api-1").unwrap_err();
    assert!(matches!(refused, FleetError::Ambiguous(..)), "{refused}");
    fleet.remove("staging/api-1").unwrap();
    assert!(here.exists() && !there.exists());
    assert_eq!(fleet.replicas()[0].id.to_string(), "default/api-1");
}
