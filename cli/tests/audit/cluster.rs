//! `prepl audit` over gateways of a cluster: those that tell their log, and those that lie.

use std::time::Duration;

use prepl_audit::{SigningKey, Tail, verify};
use prepl_proto::v1::audit_part::Part;
use prepl_tests::teller::Tale;
use serde_json::{Value, json};

use crate::logged::{Logged, told};
use crate::town::Town;

const NAME: &str = "audit-00000000000000000000.jsonl";

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap()
}

/// The end of the log of the first gateway.
fn end(town: &Town) -> Tail {
    let folder = town.cluster.world.path().join("records/gateway-1");
    verify(&folder, None).unwrap().intact_to.unwrap()
}

/// A town whose only gateway tells this log, file by file.
fn telling(logged: &Logged) -> (Town, prepl_tests::teller::Teller) {
    let (town, mut parts) = (Town::of(0), Vec::new());
    for path in logged.files() {
        parts.push(Part::File(path.file_name().unwrap().to_str().unwrap().to_owned()));
        parts.push(Part::Data(std::fs::read(path).unwrap()));
    }
    let teller = town.teller(Tale::Parts(parts));
    (town, teller)
}

#[test]
fn what_ran_through_a_gateway_is_listed_shown_and_exported() {
    let town = Town::of(1);
    town.evaluate("6 * 7");
    let address = town.cluster.address(0);
    let (answers, errors) = told(&town.audit(address, &["list", "-o", "json"]), 0);
    assert_eq!(errors, "");
    let document: Value = serde_json::from_str(&answers).unwrap();
    let entry = &document["entries"][0];
    assert_eq!((&entry["user"], &entry["expression"]), (&"mira".into(), &"6 * 7".into()));
    assert_eq!((&entry["replicas"], &entry["log"]), (&2.into(), &address.to_string().into()));
    let id = entry["run"].as_str().unwrap();
    let (shown, _) = told(&town.audit(address, &["show", id, "--since", "1h"]), 0);
    assert!(shown.contains("6 * 7") && shown.contains("shop/"), "{shown}");
    let (exported, _) = told(&town.audit(address, &["export"]), 0);
    assert!(exported.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(town.left_over(), 0);
}

#[test]
fn a_log_is_verified_against_the_checkpoints_of_the_cluster() {
    let town = Town::of(1);
    town.evaluate("1");
    let (address, key, tail) = (town.cluster.address(0), key(), end(&town));
    let (alone, _) = told(&town.audit(address, &["verify"]), 0);
    assert!(alone.contains("no checkpoint is known"), "{alone}");
    let anchor = town.anchor(tail, &key);
    town.api.put(anchor.clone());
    let (whole, _) = told(&town.audit(address, &["verify"]), 0);
    assert!(whole.contains("whole") && whole.contains("1 checkpoint agrees"), "{whole}");
    let pinned = ["verify", "--key", &key.public().to_string()];
    told(&town.audit(address, &pinned), 0);
    let other = ["verify", "--key", &crate::cluster::key().public().to_string()];
    let (forged, _) = told(&town.audit(address, &other), 9);
    assert!(forged.contains("not of the key that was given"), "{forged}");
    let mut cut = town.anchor(Tail { seq: tail.seq + 5, ..tail }, &key);
    town.api.put(cut.clone());
    let (cut_off, _) = told(&town.audit(address, &["verify"]), 9);
    assert!(cut_off.contains("the end was cut off"), "{cut_off}");
    cut["status"] = anchor["status"].clone();
    cut["status"]["conditions"] = json!([{
        "type": "Regressed", "status": "True", "reason": "Back", "message": "it was 9, and is 3",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    town.api.put(cut);
    let (regressed, _) = told(&town.audit(address, &["verify"]), 9);
    assert!(regressed.contains("it was 9, and is 3"), "{regressed}");
}

#[test]
fn a_chain_whose_log_is_gone_is_named() {
    let town = Town::of(1);
    town.evaluate("1");
    let (key, other) = (key(), Logged::of_runs(1, 1 << 20));
    town.api.put(town.anchor(other.tail, &key));
    let (answers, _) = told(&town.audit(town.cluster.address(0), &["verify"]), 7);
    assert!(answers.contains("prepl-gateway-0") && answers.contains("NO LOG"), "{answers}");
    assert!(answers.contains(&other.tail.chain.to_string()), "{answers}");
}

#[test]
fn a_log_that_was_changed_behind_its_gateway_is_found() {
    let logged = Logged::of_runs(3, 1 << 20);
    logged.edit(0, |text| text.replacen("count-sessions", "count-session!", 1));
    let (town, teller) = telling(&logged);
    let (answers, _) = told(&town.audit(teller.address, &["verify"]), 9);
    assert!(answers.contains("line 3: it was edited"), "{answers}");
}

#[test]
fn who_may_not_read_it_is_denied() {
    let town = Town::of(1);
    town.cluster.deny();
    let (answers, errors) = told(&town.audit(town.cluster.address(0), &["list"]), 4);
    assert!(answers.is_empty() && errors.starts_with("error: "), "{errors}");
    assert_eq!(town.left_over(), 0);
}

#[test]
fn a_gateway_that_sends_without_end_is_cut() {
    let town = Town::of(0);
    let teller = town.teller(Tale::Endless(NAME.to_owned()));
    let (answers, errors) = told(&town.audit(teller.address, &["verify", "--max-bytes", "1Mi"]), 7);
    assert_eq!(answers, "");
    assert!(
        errors.contains("its log has more than 1.0 MiB; allow more with --max-bytes"),
        "{errors}"
    );
    assert!(errors.contains(&teller.address.to_string()), "{errors}");
    assert_eq!(town.left_over(), 0);
}

#[test]
fn a_gateway_that_takes_too_long_is_left() {
    let town = Town::of(0);
    let teller = town.teller(Tale::Silent(NAME.to_owned()));
    let (_, errors) = told(&town.audit(teller.address, &["list", "--timeout", "1s"]), 7);
    assert!(errors.contains("it did not send its whole log in 1 s"), "{errors}");
    assert_eq!(town.left_over(), 0);
}

#[test]
fn a_gateway_cannot_choose_where_its_files_go() {
    for name in ["../x", "/tmp/x", "lock"] {
        let town = Town::of(0);
        let parts = vec![Part::File(name.to_owned()), Part::Data(b"x".to_vec())];
        let teller = town.teller(Tale::Parts(parts));
        let (_, errors) = told(&town.audit(teller.address, &["list"]), 7);
        assert!(errors.contains("it names a file that is none of an audit log"), "{errors}");
        assert_eq!(town.left_over(), 0);
    }
}

#[test]
fn what_was_fetched_is_removed_on_ctrl_c() {
    let town = Town::of(0);
    let teller = town.teller(Tale::Silent(NAME.to_owned()));
    let mut command = town.command(teller.address, &["list"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    // It has a folder once it listens for Ctrl-C.
    while town.left_over() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let (_, errors) = told(&child.wait_with_output().unwrap(), 130);
    assert!(errors.contains("what was fetched is removed"), "{errors}");
    assert_eq!(town.left_over(), 0);
}
