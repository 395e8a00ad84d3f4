//! P2: a writer that is killed leaves all that it has receipts for.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use prepl_audit::{Log, Settings, verify};

use crate::common::intent;

const FOLDER: &str = "PREPL_AUDIT_TEST_FOLDER";

/// Not a test of its own: the process that is killed.
#[tokio::test]
#[ignore = "it is started by the test below"]
async fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut settings = Settings::new("prepl-test 0");
    settings.max_file_bytes = 20_000.try_into().unwrap();
    let log = Log::open(folder.as_ref(), settings).await.unwrap();
    for number in 0.. {
        let together = (0..4).map(|at| log.append(intent(4 * number + at)));
        for receipt in futures_util::future::join_all(together).await {
            let receipt = receipt.unwrap();
            println!("held {} {}", receipt.seq(), receipt.hash());
        }
    }
}

#[tokio::test]
async fn what_has_a_receipt_survives_a_kill() {
    let home = tempfile::tempdir().unwrap();
    for round in 1..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut held: Vec<String> =
            (&mut lines).filter(|l| l.contains("held ")).take(37 * round).collect();
        child.kill().unwrap();
        held.extend(lines.filter(|line| line.starts_with("held ")));
        child.wait().unwrap();

        let verified = verify(home.path(), None).unwrap();
        assert_eq!(verified.fault, None);
        let mut out = Vec::new();
        prepl_audit::export(home.path(), prepl_audit::Form::Stored, &mut out).unwrap();
        let stored = String::from_utf8(out).unwrap();
        for line in held.iter().filter(|line| line.len() > 64) {
            let hash = line.rsplit(' ').next().unwrap();
            // The last line may be cut in the pipe.
            assert!(hash.len() < 64 || stored.contains(hash), "{line}");
        }
    }
}
