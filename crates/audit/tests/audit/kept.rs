//! A real folder.

use std::os::unix::fs::PermissionsExt;

use prepl_audit::{AuditError, Log, OpenError, Settings, verify};

use crate::common::intent;

async fn open(folder: &std::path::Path) -> Result<Log, OpenError> {
    Log::open(folder, Settings::new("prepl-test 0")).await
}

#[tokio::test]
async fn a_log_is_taken_up_where_it_was_left() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a/b");
    let log = open(&folder).await.unwrap();
    let first = log.append(intent(1)).await.unwrap();
    log.close().await.unwrap();
    let log = open(&folder).await.unwrap();
    let second = log.append(intent(2)).await.unwrap();
    assert_eq!(second.seq(), first.seq() + 3, "closed and opened are between them");
    log.close().await.unwrap();
    let verified = verify(&folder, None).unwrap();
    assert_eq!((verified.fault, verified.files, verified.records), (None, 1, 7));
}

#[tokio::test]
async fn a_folder_has_one_writer() {
    let home = tempfile::tempdir().unwrap();
    let log = open(home.path()).await.unwrap();
    let error = open(home.path()).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    log.close().await.unwrap();
    open(home.path()).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn only_the_owner_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("log");
    open(&folder).await.unwrap().close().await.unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn a_file_that_was_taken_away_or_cut_gives_no_receipt() {
    for cut in [false, true] {
        let home = tempfile::tempdir().unwrap();
        let log = open(home.path()).await.unwrap();
        let _ = log.append(intent(1)).await.unwrap();
        let file = home.path().join("audit-00000000000000000000.jsonl");
        match cut {
            true => std::fs::File::options().write(true).open(&file).unwrap().set_len(10).unwrap(),
            false => std::fs::remove_file(&file).unwrap(),
        }
        for number in 2..4 {
            let refused = log.append(intent(number)).await.unwrap_err();
            assert!(matches!(refused, AuditError::Changed { .. }), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_place_that_is_no_folder_is_told() {
    let home = tempfile::NamedTempFile::new().unwrap();
    let error = open(home.path()).await.unwrap_err();
    assert!(error.to_string().contains("check that it is a folder"), "{error}");
}
