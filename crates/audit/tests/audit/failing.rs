//! A disk that fails and gets well again.

use std::io::ErrorKind;

use prepl_audit::{AuditError, Body, Log};
use tokio::sync::watch;

use crate::common::{Hands, Held, bodies, check, intent, log_on, settings};
use crate::sim::{Failure, Sim};

#[tokio::test]
async fn a_full_disk_refuses_and_the_log_goes_on_when_there_is_room() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let first = Held::from(log.append(intent(1)).await.unwrap());
    let used: usize = disk.files().iter().map(|(_, bytes)| bytes.len()).sum();
    disk.set_room(Some(used + 100));
    for number in 2..5 {
        let refused = log.append(intent(number)).await.unwrap_err();
        assert!(matches!(refused, AuditError::DiskFull), "{refused:?}");
        assert!(refused.to_string().contains("evaluations are refused"), "{refused}");
    }
    disk.set_room(None);
    let second = Held::from(log.append(intent(5)).await.unwrap());
    assert_eq!(second.seq, first.seq + 1, "no number is left out");
    log.close().await.unwrap();
    check(&disk, &[first, second], "after a full disk");
    assert_eq!(disk.files().len(), 1);
}

#[tokio::test]
async fn a_log_opens_on_a_full_disk_and_waits_for_room() {
    let disk = Sim::default();
    disk.set_room(Some(0));
    let log = log_on(&disk, 1 << 20).await;
    assert!(matches!(log.append(intent(1)).await, Err(AuditError::DiskFull)));
    disk.set_room(None);
    let _ = log.append(intent(2)).await.unwrap();
    log.close().await.unwrap();
    let [Body::Chain(_), Body::Opened(_), Body::Intent(_), Body::Closed(_)] = &bodies(&disk)[..]
    else {
        panic!("{:?}", bodies(&disk))
    };
}

#[tokio::test]
async fn the_error_says_what_the_disk_said() {
    let kinds = [
        (ErrorKind::ReadOnlyFilesystem, "read-only"),
        (ErrorKind::QuotaExceeded, "full"),
        (ErrorKind::Other, "cannot be written"),
    ];
    for (kind, words) in kinds {
        let sound = Sim::default();
        let log = log_on(&sound, 1 << 20).await;
        let _ = log.append(intent(1)).await.unwrap();
        log.close().await.unwrap();
        // Opening reads; the first writes are those that fail, and they fail for ever.
        let disk = Sim::holding(&sound.files());
        let failing = Sim::failing((2..99).map(|operation| (operation, Failure::Error(kind))));
        failing.take_files(&disk);
        let log = log_on(&failing, 1 << 20).await;
        let refused = log.append(intent(2)).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn who_follows_the_end_sees_only_what_is_durable() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let receipt = log.append(intent(1)).await.unwrap();
    let tail: watch::Receiver<_> = log.tail();
    let before = tail.borrow().unwrap();
    assert_eq!((before.seq, before.hash), (receipt.seq(), receipt.hash()));
    disk.set_room(Some(0));
    let _ = log.append(intent(2)).await.unwrap_err();
    assert_eq!(*tail.borrow(), Some(before));
}

#[tokio::test]
async fn a_closed_log_takes_nothing() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    log.close().await.unwrap();
    assert!(matches!(log.append(intent(1)).await, Err(AuditError::Closed)));
    assert!(matches!(log.close().await, Err(AuditError::Closed)));
    assert!(matches!(bodies(&disk)[..], [Body::Chain(_), Body::Opened(_), Body::Closed(_)]));
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_alone() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let mut large = intent(1);
    large.who.username = "x".repeat(prepl_audit::MAX_RECORD_BYTES);
    assert!(matches!(log.append(large).await, Err(AuditError::TooLarge { .. })));
    let held = Held::from(log.append(intent(2)).await.unwrap());
    log.close().await.unwrap();
    check(&disk, &[held], "after a large record");
}

#[tokio::test]
async fn a_clock_that_goes_back_after_a_failed_rotation_gives_no_number_twice() {
    let (disk, hands) = (Sim::default(), Hands::default());
    let mut settings = settings(1 << 20);
    settings.max_file_age = std::time::Duration::from_secs(60);
    let log = Log::open_on(disk.clone(), settings, hands.clock()).await.unwrap();
    let first = Held::from(log.append(intent(1)).await.unwrap());
    hands.turn(std::time::Duration::from_secs(61));
    // The new file is written and synced; that it is there is not.
    disk.fail_next_folder_sync();
    let _ = log.append(intent(2)).await.unwrap_err();
    assert_eq!(disk.files().len(), 2);
    hands.turn_back(std::time::Duration::from_secs(61));
    let second = Held::from(log.append(intent(3)).await.unwrap());
    log.close().await.unwrap();
    check(&disk, &[first, second], "after a failed rotation");
}
